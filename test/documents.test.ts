import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ERROR_CODES } from 'wangp-node';
import { REPOSITORY } from './tools.js';

const { readmePrograms } = (await import(path.join(REPOSITORY, 'scripts', 'installs.mjs'))) as {
  readmePrograms: () => { title: string; program: string }[];
};
const README = readFileSync(path.join(REPOSITORY, 'README.md'), 'utf8');
// Inside the package, so that the programs can import it by its name.
const folder = path.join(REPOSITORY, '.cache', 'readme');

beforeAll(() => {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(path.join(folder, 'outputs'), { recursive: true });
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('the programs of the README run as they stand', () => {
  const programs = readmePrograms();

  test('there are some', () => expect(programs.length).toBeGreaterThanOrEqual(5));

  // From an installed package they run in `npm run test:matrix`.
  test('the first has at most 20 lines, and stands among the first 80 lines', () => {
    const { program } = programs[0]!;
    expect(program.trimEnd().split('\n').length).toBeLessThanOrEqual(20);
    expect(README.slice(0, README.indexOf(program)).split('\n').length).toBeLessThan(80);
  });

  test.each(programs.map(({ title, program }) => [title, program]))('%s', async (title, program) => {
    const file = path.join(folder, `${title.replaceAll(/\W+/g, '-')}.mjs`);
    writeFileSync(file, program);
    const { stderr } = await promisify(execFile)(process.execPath, [file], { cwd: folder });
    expect(stderr).not.toContain('Error:');
  });
});

/** A port that nobody has at the moment. */
async function freePort(): Promise<number> {
  const server = createServer().listen(0);
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

test('the server of docs/pool.md runs as it stands, and answers what the document says', async () => {
  const document = readFileSync(path.join(REPOSITORY, 'docs', 'pool.md'), 'utf8');
  const [, program] = /^## A server\n(?:(?!^##)[^])*?^```js\n([^]*?)^```/m.exec(document)!;
  writeFileSync(path.join(folder, 'server.mjs'), program!);
  const port = await freePort();
  const server = spawn(process.execPath, ['server.mjs'], { cwd: folder, env: { ...process.env, PORT: String(port) } });
  const ended = once(server, 'exit');
  let stderr = '';
  server.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  server.stdout.resume();

  type Answer = { status: number } & Record<string, unknown>;
  async function ask(method: string, url: string, body?: string): Promise<Answer> {
    const response = await fetch(`http://localhost:${port}${url}`, { method, ...(body === undefined ? {} : { body }) });
    return { ...((await response.json()) as object), status: response.status };
  }
  const submit = (): Promise<Answer> => ask('POST', '/jobs', JSON.stringify({ prompt: 'a lighthouse at dusk' }));
  async function endOf(id: unknown): Promise<Answer> {
    for (;;) {
      const answer = await ask('GET', `/jobs/${String(id)}`);
      if (answer['done'] === true) return answer;
      await sleep(50);
    }
  }

  try {
    await expect.poll(() => ask('GET', '/').catch(() => undefined), { timeout: 10_000 }).toMatchObject({ status: 404 });
    const first = await submit();
    expect(first).toEqual({ status: 202, id: expect.any(String) as string, position: 1 });
    expect(await ask('POST', '/jobs', 'no JSON')).toMatchObject({ status: 400 });
    // One job runs, and 100 may wait.
    const further = await Promise.all(Array.from({ length: 110 }, submit));
    expect(further.filter(({ status }) => status === 202).length).toBeGreaterThanOrEqual(100);
    expect(further.filter(({ status }) => status === 503)).not.toEqual([]);
    expect(further.find(({ status }) => status === 503)).toMatchObject({ code: 'ERR_WANGP_QUEUE_FULL' });

    const { id } = further.findLast(({ status }) => status === 202)!;
    expect(await ask('GET', `/jobs/${String(id)}`)).toMatchObject({ status: 200, done: false });
    expect(await ask('DELETE', `/jobs/${String(id)}`)).toMatchObject({ status: 200 });
    expect(await endOf(id)).toMatchObject({ success: false, errors: [{ stage: 'cancelled' }] });
    const { generatedFiles } = await endOf(first['id']);
    expect((generatedFiles as string[]).map((file) => existsSync(file))).toEqual([true]);

    server.kill('SIGTERM');
    expect(await ended, stderr).toEqual([0, null]);
  } finally {
    server.kill('SIGKILL');
  }
});

test('docs/errors.md says of every code, in order, what its comment in lib/errors.ts says', () => {
  const source = readFileSync(path.join(REPOSITORY, 'lib', 'errors.ts'), 'utf8');
  const commented = [...source.matchAll(/\/\*\*((?:(?!\*\/)[^])+)\*\/\s+(ERR_WANGP_\w+):/g)];
  const meant = commented.map(([, comment, code]) => [code, comment!.replaceAll(/\s+(?:\* )?/g, ' ').trim()]);
  expect(meant.map(([code]) => code)).toEqual(Object.keys(ERROR_CODES));
  const document = readFileSync(path.join(REPOSITORY, 'docs', 'errors.md'), 'utf8');
  const told = [...document.matchAll(/^\| `(ERR_WANGP_\w+)` +\| (.+?) +\|$/gm)];
  expect(told.map(([, code, text]) => [code, text])).toEqual(meant);
});

test('docs/limits.md names tests that exist', () => {
  const named = readFileSync(path.join(REPOSITORY, 'docs', 'limits.md'), 'utf8').matchAll(/`([\w-]+\.test\.ts)`/g);
  const files = [...named].map(([, name]) => name!);
  expect(files.length).toBeGreaterThan(20);
  const exists = (name: string): boolean =>
    ['', 'embedded'].some((folder) => existsSync(path.join(REPOSITORY, 'test', folder, name)));
  expect(files.filter((name) => !exists(name))).toEqual([]);
});

describe('the contract', async () => {
  interface Script {
    contractDocument(): string;
    readContract(): { rows: { id: string; notYet?: string }[] }[];
    readTests(): { ids: string[] }[];
  }
  const script = (await import(path.join(REPOSITORY, 'scripts', 'contract.mjs'))) as Script;
  const rows = script.readContract().flatMap((section) => section.rows);
  const held = new Set(script.readTests().flatMap(({ ids }) => ids));

  test('has either a test for a row or the reason why not yet, never both, and no test of a row that it lacks', () => {
    const unclear = rows.filter(({ id, notYet }) => held.has(id) === ((notYet ?? '') !== ''));
    expect(unclear).toEqual([]);
    const ids = rows.map(({ id }) => id);
    expect(new Set(ids).size).toBe(ids.length);
    expect([...held].filter((id) => !ids.includes(id))).toEqual([]);
  });

  test('stands in docs/contract.md (node scripts/contract.mjs)', () => {
    expect(readFileSync(path.join(REPOSITORY, 'docs', 'contract.md'), 'utf8')).toBe(script.contractDocument());
  });
});

/** The anchors of a document's headings, as GitHub and npm make them. */
function anchorsOf(markdown: string): Set<string> {
  const seen = new Map<string, number>();
  const headings = [...markdown.replaceAll(/^```[^]*?^```/gm, '').matchAll(/^#+ (.+)$/gm)];
  return new Set(
    headings.map(([, text]) => {
      const words = text!.replaceAll(/\[([^\]]*)\]\([^)]*\)/g, '$1').toLowerCase();
      const anchor = words.replaceAll(/[^\p{L}\p{N}\s_-]/gu, '').replaceAll(/\s/g, '-');
      const count = seen.get(anchor) ?? 0;
      seen.set(anchor, count + 1);
      return count === 0 ? anchor : `${anchor}-${count}`;
    }),
  );
}

describe('every link of the documents leads to a file, and to a heading where it names one', async () => {
  const { stdout } = await promisify(execFile)(
    'git',
    ['ls-files', '--cached', '--others', '--exclude-standard', '*.md'],
    { cwd: REPOSITORY },
  );
  const documents = stdout.trim().split('\n');

  test('there are documents of the package, and of its folders', () => {
    expect(documents).toEqual(
      expect.arrayContaining(['README.md', 'CHANGELOG.md', 'CONTRIBUTING.md', 'docs/limits.md', 'docs/isolation.md']),
    );
  });

  test.each(documents)('in %s', (name) => {
    const markdown = readFileSync(path.join(REPOSITORY, name), 'utf8');
    const prose = markdown.replaceAll(/^```[^]*?^```/gm, '').replaceAll(/`[^`\n]*`/g, '');
    const links = [...prose.matchAll(/\]\((?!\w+:)([^)#\s]*)(?:#([^)\s]*))?\)/g)];
    const broken = links.flatMap(([link, target, anchor]) => {
      const file = target === '' ? name : path.join(path.dirname(name), target!);
      if (!existsSync(path.join(REPOSITORY, file))) return [link];
      if (anchor === undefined) return [];
      return anchorsOf(readFileSync(path.join(REPOSITORY, file), 'utf8')).has(anchor) ? [] : [link];
    });
    expect(broken).toEqual([]);
  });
});

test('the README says whose WanGP is', () => {
  expect(README).toContain('independent package');
  expect(README).toContain('terms and conditions');
  expect(README).toContain('disclose');
});
