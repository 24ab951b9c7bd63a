// The package.json that is published has no devDependencies and hardly a script: they are of no use to users, and npm
// asks about the `prepare` of a package that is installed from a file. `prepack` writes it, `postpack` puts the own one
// back. Those two stay in it. Nobody runs them where a package is installed from a registry or a file, and a `npm pack`
// that was killed in between leaves a package.json by which the next one still checks, and puts the own one back first.
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { CACHE, ROOT } from './lib.mjs';

const manifest = path.join(ROOT, 'package.json');
const original = path.join(CACHE, 'package.json');

/** What is published of package.json. */
export function publishedManifest(text) {
  const published = JSON.parse(text);
  const { prepack, postpack } = published.scripts;
  published.scripts = { prepack, postpack };
  delete published.devDependencies;
  return `${JSON.stringify(published, undefined, 2)}\n`;
}

/** Replaces a file as a whole, as old as it is said to be: what is made of it need not be made again. */
function replaceFile(file, text, { atime, mtime } = {}) {
  const fresh = `${file}.${process.pid}.tmp`;
  writeFileSync(fresh, text);
  if (mtime !== undefined) utimesSync(fresh, atime, mtime);
  renameSync(fresh, file);
}

export function stripManifest() {
  const text = readFileSync(manifest, 'utf8');
  mkdirSync(CACHE, { recursive: true });
  replaceFile(original, text, statSync(manifest));
  replaceFile(manifest, publishedManifest(text));
}

/** Puts package.json back, unless it is another one than what `stripManifest()` wrote. */
export function restoreManifest() {
  if (!existsSync(original)) return;
  const text = readFileSync(original, 'utf8');
  if (readFileSync(manifest, 'utf8') === publishedManifest(text)) replaceFile(manifest, text, statSync(original));
  rmSync(original, { force: true });
}

/**
 * Whether pnpm or yarn runs `prepack` for a git dependency, where there are no binaries, and the user builds. pnpm runs
 * `npm run prepack` there, yarn 1 names no command, and yarn 4 runs `npm pack`, which only BERRY_BIN_FOLDER gives away.
 */
export function packsGitDependency(env) {
  if (env.BERRY_BIN_FOLDER !== undefined) return true;
  const byPnpmOrYarn = /^(?:pnpm|yarn)\//.test(env.npm_config_user_agent ?? '');
  return byPnpmOrYarn && !['pack', 'publish'].includes(env.npm_command);
}
