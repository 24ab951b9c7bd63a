// The package.json that is published has no scripts and no devDependencies: they are of no use to users, and npm asks
// about the `prepare` of a package that is installed from a file. `prepack` writes it, `postpack` puts the own one back.
import { existsSync, mkdirSync, readFileSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { CACHE, ROOT } from './lib.mjs';

const manifest = path.join(ROOT, 'package.json');
const original = path.join(CACHE, 'package.json');

/** What is published of package.json. */
export function publishedManifest(text) {
  const published = JSON.parse(text);
  delete published.scripts;
  delete published.devDependencies;
  return `${JSON.stringify(published, undefined, 2)}\n`;
}

export function stripManifest() {
  const text = readFileSync(manifest, 'utf8');
  const { atime, mtime } = statSync(manifest);
  mkdirSync(CACHE, { recursive: true });
  writeFileSync(original, text);
  utimesSync(original, atime, mtime);
  writeFileSync(manifest, publishedManifest(text));
}

/** Puts package.json back, unless it is another one than what `stripManifest()` wrote. */
export function restoreManifest() {
  if (!existsSync(original)) return;
  const text = readFileSync(original, 'utf8');
  if (readFileSync(manifest, 'utf8') === publishedManifest(text)) {
    const { atime, mtime } = statSync(original);
    writeFileSync(manifest, text);
    // As old as it was: what is made of it need not be made again.
    utimesSync(manifest, atime, mtime);
  }
  rmSync(original);
}
