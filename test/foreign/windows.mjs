// What is written in Windows' way: drives, backslashes, another case, and an environment made there.
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { ABOUT_SAMPLE, answerOf, isWindows, PACKAGE, PLACE, PROJECT, TINY_VIDEO } from './equipment.mjs';

assert.ok(isWindows, 'these tests are for Windows');

test('a root is one root, however its path is written', async () => {
  const root = 'C:\\WanGP';
  const ways = [root, 'C:/WanGP', 'c:\\wangp', 'C:\\WanGP\\', path.relative(PROJECT, root), '\\WanGP'];
  const { roots, failures } = await answerOf('roots', { settings: { ways } });
  assert.deepEqual({ roots, failures }, { roots: ways.map(() => root), failures: [] });
});

test('an interpreter is one interpreter, in whatever case its path is written', async () => {
  const pythons = [PLACE.python, PLACE.python.toLowerCase(), PLACE.python.replace('python.exe', 'PYTHON.EXE')];
  const { failures } = await answerOf('pythons', { settings: { root: 'C:\\WanGP', pythons } });
  assert.deepEqual(failures, []);
});

test("the environment in the checkout's venv is found, and Python uses its packages", async () => {
  const env = { WANGP_PYTHON: undefined };
  const { python, prefix, module } = await answerOf('environment', { settings: { root: 'C:\\WanGP' }, env });
  assert.deepEqual(
    { python, prefix, module },
    { python: 'C:\\WanGP\\venv\\Scripts\\python.exe', prefix: 'C:\\WanGP\\venv', module: 'from the venv' },
  );
});

test('settings, attachments and outputs take backslashes, slashes and URLs, relative and absolute', async () => {
  const folder = path.join(PROJECT, 'Eingaben für Wan');
  mkdirSync(folder, { recursive: true });
  const image_start = 'Eingaben für Wan\\Bild 1.png';
  const settings = { ...TINY_VIDEO, image_start, image_prompt_type: 'S' };
  const absolute = path.join(folder, 'Auftrag.json');
  // Windows' editors begin a file with a byte order mark.
  writeFileSync(absolute, `\uFEFF${JSON.stringify(settings)}`);
  const sources = [
    settings,
    { ...settings, image_start: path.join(PROJECT, image_start) },
    { ...settings, image_start: path.join(PROJECT, image_start).replaceAll('\\', '/') },
    absolute,
    '.\\Eingaben für Wan\\Auftrag.json',
    'Eingaben für Wan/Auftrag.json',
  ];
  const url = pathToFileURL(absolute).href;
  const outputDir = 'Ausgaben\\für Wan';
  const answer = await answerOf('sources', {
    settings: { sources, url, outputDir, image: image_start },
    told: ABOUT_SAMPLE,
  });
  assert.deepEqual(
    answer.results.map(({ errors }) => errors),
    answer.results.map(() => []),
  );
  for (const { files } of answer.results) {
    assert.equal(files.length, 1);
    assert.equal(path.dirname(files[0]), path.join(PROJECT, outputDir));
    assert.ok(existsSync(files[0]), files[0]);
  }
  assert.equal(answer.results.length, sources.length + 1);
});

test('while a job has another working directory, paths of JavaScript stay where they were', async () => {
  const { before, during, after, resolved } = await answerOf('directory', { settings: { root: 'C:\\WanGP' } });
  assert.deepEqual({ before, during, after }, { before: PROJECT, during: PROJECT, after: PROJECT });
  assert.equal(resolved, path.join(PROJECT, 'Bild.png'));
});

test('a second Python in the process is refused', async () => {
  const core = path.join(PACKAGE, 'prebuilds', 'win32-x64', PLACE.core);
  // Where Windows looks for the library.
  const env = { PATH: path.dirname(PLACE.python), Path: undefined };
  const { code, message } = await answerOf('second-python', { settings: { core }, env });
  assert.equal(code, 'ERR_WANGP_PYTHON_IN_USE');
  assert.match(message, /another library of this process has already loaded a Python/);
});
