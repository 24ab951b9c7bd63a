// What the linker made of the addon.
import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { REPOSITORY } from './tools.js';

const folder = path.join(REPOSITORY, 'build', 'Release');
const binaries = readdirSync(folder).filter((name) => /^(?:loader|core\.cp\d+)\.node$/.test(name));

function symbolsOf(file: string, ...options: string[]): string[] {
  const output = execFileSync('nm', [...options, path.join(folder, file)], { encoding: 'utf8' });
  return output.split('\n').flatMap((line) => /\S+$/.exec(line)?.[0] ?? []);
}

describe.skipIf(process.platform !== 'linux').each(binaries)('%s', (file) => {
  test('exports the two entries of Node-API and nothing else', () => {
    const exported = symbolsOf(file, '--dynamic', '--defined-only').sort();
    expect(exported).toEqual(['napi_register_module_v1', 'node_api_module_get_api_version_v1']);
  });

  test('has no symbols of its own left', () => {
    expect(symbolsOf(file, '--defined-only', '--quiet')).toEqual([]);
  });

  test('is not unloaded with the last Worker', () => {
    const flags = execFileSync('readelf', ['--dynamic', path.join(folder, file)], { encoding: 'utf8' });
    expect(flags).toMatch(/NODELETE/);
  });
});

test('on Windows a core imports its Python in the ordinary way: data symbols cannot be delay-loaded', () => {
  expect(readFileSync(path.join(REPOSITORY, 'native', 'addon.gypi'), 'utf8')).not.toMatch(/DelayLoadDLLs/);
});

test('what needs no Python.h is compiled once: no source or header of that library includes it', () => {
  const sources = JSON.parse(readFileSync(path.join(REPOSITORY, 'native', 'sources.json'), 'utf8')) as {
    readonly common: readonly string[];
  };
  const seen = new Set<string>();
  const visit = (file: string): void => {
    if (seen.has(file)) return;
    seen.add(file);
    const text = readFileSync(path.join(REPOSITORY, file), 'utf8');
    expect(text, file).not.toMatch(/#include <(?:Python\.h|pybind11)/);
    for (const [, included] of text.matchAll(/#include "([^"]+)"/g)) visit(path.join('native', included!));
  };
  for (const source of sources.common) visit(source);
  expect(seen.size).toBeGreaterThan(sources.common.length);
});
