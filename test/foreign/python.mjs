// What Python has of the system it runs in.
import assert from 'node:assert/strict';
import { readFile, rm } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import { answerOf, PLACE, PROJECT, runHidden, runProgram, TINY_VIDEO } from './equipment.mjs';

const SETTINGS = { root: PLACE.root };

test('values go to Python and come back the same, characters beyond ASCII included', async () => {
  const { same } = await answerOf('values', { settings: SETTINGS });
  assert.equal(same, true);
});

test('what Python prints arrives in the order of printing as UTF-8, the last line before the exit too', async () => {
  const exit = await runProgram('print', { settings: { ...SETTINGS, lines: 2000 } });
  assert.deepEqual({ code: exit.code, stderr: exit.stderr }, { code: 0, stderr: 'Fehler: zwölf 🚲\n' });
  const wanted = Array.from({ length: 2000 }, (_, index) => `${index} größer 🚲`);
  assert.deepEqual(exit.stdout.split('\n'), [...wanted, 'ohne Ende']);
});

test('Python has its own executable, its environment and its own child processes', async () => {
  const env = { WANGP_TEST_WORD: 'größer' };
  const { executable, word, set, child, multiprocessing } = await answerOf('system', { settings: SETTINGS, env });
  assert.deepEqual({ executable, word, set }, { executable: PLACE.python, word: 'größer', set: 'gesetzt' });
  assert.deepEqual({ child, multiprocessing }, { child: 'child 42', multiprocessing: [1, 4, 9] });
});

test('a process that has no console generates too, and what it prints goes nowhere', async () => {
  const outputDir = path.join(PROJECT, 'ohne Konsole');
  const file = path.join(PROJECT, 'ohne-konsole.json');
  await rm(file, { force: true });
  const settings = { outputDir, settings: TINY_VIDEO, file };
  assert.equal(await runHidden('hidden', { settings }), 0);
  const { success, errors } = JSON.parse(await readFile(file, 'utf8'));
  assert.deepEqual({ success, errors }, { success: true, errors: [] });
});
