// What `npm pack` does before it packs; scripts/test-install.mjs installs what comes of it.
import { execFile } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { REPOSITORY } from './tools.js';

/** Runs prepack where it has to refuse; resolves with what it says. */
async function refusal(platforms: string): Promise<string> {
  const script = path.join(REPOSITORY, 'scripts', 'prepack.mjs');
  const env = { ...process.env, WANGP_PACK_PLATFORMS: platforms };
  const error: unknown = await promisify(execFile)(process.execPath, [script], { env }).then(
    () => new Error('it packed'),
    (reason: unknown) => reason,
  );
  expect(error).toMatchObject({ code: 1 });
  return (error as { stderr: string }).stderr;
}

test('npm pack refuses a platform that there are no binaries for, before package.json is changed', async () => {
  const before = readFileSync(path.join(REPOSITORY, 'package.json'), 'utf8');
  expect(await refusal('darwin-x64,linux-x63')).toContain('names linux-x63, which is none of linux-x64, ');
  expect(readFileSync(path.join(REPOSITORY, 'package.json'), 'utf8')).toBe(before);
});

test('what is published has no binding.gyp and no install step, whatever a package manager makes of them', async () => {
  const { publishedManifest } = (await import(path.join(REPOSITORY, 'scripts', 'manifest.mjs'))) as {
    publishedManifest: (text: string) => string;
  };
  const text = readFileSync(path.join(REPOSITORY, 'package.json'), 'utf8');
  const published = JSON.parse(publishedManifest(text)) as Record<string, unknown>;
  expect(published['files']).not.toContain('binding.gyp');
  // What no package manager runs where a package is installed from a registry or a file.
  expect(Object.keys(published['scripts'] as object)).toEqual(['prepack', 'postpack']);
  expect(published).not.toHaveProperty('devDependencies');
  expect(published).toMatchObject({ type: 'commonjs', preferUnplugged: true, gypfile: false });
});

test('a package.json that a killed npm pack has left checks again, and is put back by the next one', async () => {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'wangp-manifest-'));
  try {
    mkdirSync(path.join(folder, 'scripts'));
    for (const name of ['manifest.mjs', 'lib.mjs']) {
      cpSync(path.join(REPOSITORY, 'scripts', name), path.join(folder, 'scripts', name));
    }
    const manifest = path.join(folder, 'package.json');
    cpSync(path.join(REPOSITORY, 'package.json'), manifest);
    const before = readFileSync(manifest, 'utf8');
    const { stripManifest, restoreManifest } = (await import(path.join(folder, 'scripts', 'manifest.mjs'))) as {
      stripManifest: () => void;
      restoreManifest: () => void;
    };
    stripManifest();
    const left = JSON.parse(readFileSync(manifest, 'utf8')) as { scripts: Record<string, string> };
    expect(left.scripts).toMatchObject({ prepack: 'node scripts/prepack.mjs', postpack: 'node scripts/postpack.mjs' });
    // What the next prepack does, and its postpack.
    restoreManifest();
    stripManifest();
    restoreManifest();
    expect(readFileSync(manifest, 'utf8')).toBe(before);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

test('where pnpm or yarn packs a git dependency, which has no binaries, it is packed; a developer is refused', async () => {
  const { packsGitDependency } = (await import(path.join(REPOSITORY, 'scripts', 'manifest.mjs'))) as {
    packsGitDependency: (env: NodeJS.ProcessEnv) => boolean;
  };
  const pnpm = 'pnpm/12.21.0 npm/? node/? linux x64';
  const npm = 'npm/11.19.1 node/v20.20.2 linux x64 workspaces/false';
  const yarn = 'yarn/1.22.22 npm/? node/v20.20.2 linux x64';
  // What pnpm 12, yarn 1 and yarn 4 (which runs npm) were seen to set.
  expect(packsGitDependency({ npm_config_user_agent: pnpm, npm_command: 'run' })).toBe(true);
  expect(packsGitDependency({ npm_config_user_agent: yarn })).toBe(true);
  const berry = { npm_config_user_agent: npm, npm_command: 'pack', BERRY_BIN_FOLDER: '/tmp/xfs-d23c62a6' };
  expect(packsGitDependency(berry)).toBe(true);
  expect(packsGitDependency({ npm_config_user_agent: npm, npm_command: 'pack' })).toBe(false);
  for (const command of ['pack', 'publish']) {
    expect(packsGitDependency({ npm_config_user_agent: pnpm, npm_command: command })).toBe(false);
  }
});
