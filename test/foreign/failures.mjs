import assert from 'node:assert/strict';
import { cp, rm } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import { isWindows, PACKAGE, PLACE, PROJECT, runNode, runProgram } from './equipment.mjs';

// Node 22's cpSync ends the process on Windows where a path has an umlaut.
const copy = (from, to) => cp(from, to, { recursive: true });

/** How `init(options)` fails: its code and message. */
async function failureOf(options, { env, file } = {}) {
  const settings = { options };
  const exit = await (file === undefined ? runProgram('failure', { settings, env }) : runNode(file, [], { settings }));
  assert.deepEqual({ code: exit.code, stderr: exit.stderr }, { code: 0, stderr: '' }, exit.stdout);
  return JSON.parse(exit.stdout);
}

test('an interpreter that does not exist is named, with where it was asked for', async () => {
  const python = path.join(PROJECT, 'kein Python', isWindows ? 'python.exe' : 'python');
  const { code, message } = await failureOf({ python });
  assert.equal(code, 'ERR_WANGP_PYTHON_NOT_FOUND');
  assert.ok(message.startsWith(`${python} (the option \`python\`) does not exist`), message);
});

test('without any interpreter the message says where it was looked for', async () => {
  const { code, message } = await failureOf({}, { env: { WANGP_PYTHON: undefined, PATH: PROJECT, Path: PROJECT } });
  assert.equal(code, 'ERR_WANGP_PYTHON_NOT_FOUND');
  assert.match(message, /WANGP_PYTHON are not set/);
});

test('a program that is no Python is refused with what it did', async () => {
  const { code, message } = await failureOf({ python: PLACE.node });
  assert.equal(code, 'ERR_WANGP_PYTHON_BROKEN');
  assert.match(message, /exited with code/);
});

test('a root that is no checkout is named', async () => {
  const root = path.join(PROJECT, 'tests');
  const { code, message } = await failureOf({ root });
  assert.equal(code, 'ERR_WANGP_ROOT');
  assert.ok(message.startsWith(`${root} (the option \`root\`) is no WanGP checkout`), message);
});

test('a package that WanGP lacks is named, with the command that installs it', async () => {
  const root = path.join(PROJECT, 'braucht mehr');
  await copy(PLACE.root, root);
  const { code, message } = await failureOf({ root, breakIt: 'import wangp_needs_this' });
  assert.equal(code, 'ERR_WANGP_PACKAGE_MISSING');
  assert.ok(message.startsWith(`${PLACE.python} has no package 'wangp_needs_this', which ${root} needs`), message);
  assert.ok(message.includes(`"${PLACE.python}" -m pip install -r "${path.join(root, 'requirements.txt')}"`), message);
});

test('a Python for which the package has no binary is told so, and what would build it', async () => {
  const project = path.join(PROJECT, 'ohne Kern');
  await rm(project, { recursive: true, force: true });
  await copy(PACKAGE, path.join(project, 'node_modules', 'wangp-node'));
  const prebuilds = path.join(project, 'node_modules', 'wangp-node', 'prebuilds');
  await rm(path.join(prebuilds, `${process.platform}-${process.arch}`, PLACE.core));
  const file = path.join(project, 'failure.mjs');
  await copy(path.join(PROJECT, 'tests', 'programs', 'failure.mjs'), file);
  const { code, message } = await failureOf({}, { file });
  assert.equal(code, 'ERR_WANGP_CORE_MISSING');
  assert.ok(message.includes(PLACE.core) && message.includes(PLACE.python), message);
});
