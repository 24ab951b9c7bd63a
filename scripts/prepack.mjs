// `prepack`: what `npm pack` and `npm publish` run first. Compiles TypeScript, and refuses to make a package without
// binaries: it would install everywhere and run nowhere.
//
//   WANGP_PACK_PLATFORMS=linux-x64,win32-x64   the platforms whose binaries have to be there; `none`: no platform's
//
// Whatever is in prebuilds/ is packed.
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { fail, ROOT, say } from './lib.mjs';
import { packsGitDependency, restoreManifest, stripManifest } from './manifest.mjs';
import { compileTypeScript, installPackages } from './steps.mjs';

const VARIABLE = 'WANGP_PACK_PLATFORMS';

// A `npm pack` that was killed has left what is published.
restoreManifest();
await installPackages();
await compileTypeScript();
const dist = (name) => createRequire(import.meta.url)(path.join(ROOT, 'dist', ...name.split('/')));
const { PREBUILT_PLATFORMS } = dist('runtime/package.js');
const { coreName, LOADER, SHARED_MEMORY } = dist('runtime/binaries.js');
const { OLDEST_MINOR, NEWEST_MINOR } = dist('python/suitability.js');

const binaries = [LOADER, SHARED_MEMORY];
for (let minor = OLDEST_MINOR; minor <= NEWEST_MINOR; minor += 1) binaries.push(coreName(`3.${minor}`));

/** The platforms that this package is to have binaries for. */
function chosenPlatforms() {
  const chosen = process.env[VARIABLE]?.trim();
  if (!chosen) return PREBUILT_PLATFORMS;
  if (chosen === 'none') return [];
  const names = chosen.split(/[\s,]+/);
  const unknown = names.find((name) => !PREBUILT_PLATFORMS.includes(name));
  if (unknown !== undefined) {
    fail(`${VARIABLE} names ${unknown}, which is none of ${PREBUILT_PLATFORMS.join(', ')}, nor \`none\``);
  }
  return names;
}

const isGitDependency = packsGitDependency(process.env) && !existsSync(path.join(ROOT, 'prebuilds'));

const missing = chosenPlatforms()
  .map((platform) => {
    const absent = binaries.filter((name) => !existsSync(path.join(ROOT, 'prebuilds', platform, name)));
    return { platform, absent };
  })
  .filter(({ absent }) => absent.length > 0);

if (missing.length > 0 && !isGitDependency) {
  const lines = missing.map(
    ({ platform, absent }) =>
      `  prebuilds/${platform}: ${absent.length === binaries.length ? 'nothing is there' : `no ${absent.join(', ')}`}`,
  );
  const platforms = missing.map(({ platform }) => `--platform ${platform}`).join(' ');
  fail(
    `nothing is packed, because binaries are missing:\n${lines.join('\n')}\n` +
      `Make them: npm run prebuild -- ${platforms}\n` +
      `For a package of fewer platforms, name them: ${VARIABLE}=linux-x64,win32-x64`,
  );
}

if (missing.length > 0) say('without binaries, as a git dependency: whoever installs it runs `npx wangp-node build`');
stripManifest();
say('packing; postpack puts package.json back');
