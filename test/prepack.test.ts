// What `npm pack` does before it packs; scripts/test-install.mjs installs what comes of it.
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
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

test('what is published has no binding.gyp, no scripts and no install step, whatever a package manager makes of them', async () => {
  const { publishedManifest } = (await import(path.join(REPOSITORY, 'scripts', 'manifest.mjs'))) as {
    publishedManifest: (text: string) => string;
  };
  const text = readFileSync(path.join(REPOSITORY, 'package.json'), 'utf8');
  const published = JSON.parse(publishedManifest(text)) as Record<string, unknown>;
  expect(published['files']).not.toContain('binding.gyp');
  expect(published).not.toHaveProperty('scripts');
  expect(published).not.toHaveProperty('devDependencies');
  expect(published).toMatchObject({ type: 'commonjs', preferUnplugged: true, gypfile: false });
});
