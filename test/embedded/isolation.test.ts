import { execFileSync, spawnSync } from 'node:child_process';
import path from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import type { WanGPSession } from 'wangp-node';
import { IN_CHILD, initScripted, REPOSITORY, runScript } from '../tools.js';

let session: WanGPSession;

beforeAll(async () => {
  process.env['WANGP_TEST_VARIABLE'] = 'set by Node';
  session = await initScripted();
});

/** What the same interpreter answers when it is started from a shell. */
function outside(statements: string): unknown {
  const script = `import json\n${statements}\nprint(json.dumps(result))`;
  return JSON.parse(execFileSync(process.env['WANGP_PYTHON']!, ['-c', script], { encoding: 'utf8' }));
}

async function inside(statements: string): Promise<unknown> {
  return session.call('execute', [statements]);
}

describe('Python has its own libraries, though Node exports others', () => {
  const questions = {
    OpenSSL: 'import ssl; result = ssl.OPENSSL_VERSION',
    zlib: 'import zlib; result = zlib.ZLIB_RUNTIME_VERSION',
    SQLite: 'import sqlite3; result = sqlite3.sqlite_version',
    'a gzip round trip': `import gzip, hashlib
data = gzip.compress(b"wangp" * 100000, mtime=0)
result = [hashlib.sha256(data).hexdigest(), gzip.decompress(data) == b"wangp" * 100000]`,
    "Pillow's PNG": `import hashlib, io
from PIL import Image, features
picture = Image.merge("RGB", [Image.linear_gradient("L"), Image.radial_gradient("L"), Image.linear_gradient("L")])
file = io.BytesIO()
picture.save(file, "PNG")
result = [features.version("zlib"), hashlib.sha256(file.getvalue()).hexdigest()]`,
    'where packages come from': 'import sys; result = [sys.prefix, sys.base_prefix, sys.executable, sys.flags.no_site]',
  };
  test.each(Object.entries(questions))(
    'inside Node and from a shell it answers the same about %s',
    async (_, statements) => {
      expect(await inside(statements)).toEqual(outside(statements));
    },
  );

  test('Python’s ssl begins a TLS handshake, and knows TLS 1.3', async () => {
    const handshake = `import ssl
client, server = ssl.MemoryBIO(), ssl.MemoryBIO()
connection = ssl.create_default_context().wrap_bio(client, server, server_hostname="localhost")
try:
    connection.do_handshake()
except ssl.SSLWantReadError:
    pass
result = [server.read(3)[0], ssl.HAS_TLSv1_3]`;
    expect(await inside(handshake)).toEqual([22, true]);
  });

  test.skipIf(process.env['WANGP_TEST_TORCH'] !== '1')('torch computes the same as from a shell', async () => {
    const statements = `import torch
torch.manual_seed(1)
result = (torch.randn(64, 64) @ torch.randn(64, 64)).sum().item()`;
    expect(await inside(statements)).toBeCloseTo(outside(statements) as number, 3);
  });
});

test('without deep binding Python takes what Node exports', () => {
  const request = {
    checks: [{ name: 'zlib', statements: 'import zlib; result = zlib.ZLIB_RUNTIME_VERSION' }],
    without: { libpython: true, modules: true },
  };
  const host = path.join(REPOSITORY, 'test', 'stress', 'isolation', 'host.mjs');
  const run = spawnSync(process.execPath, [host], {
    input: JSON.stringify(request),
    stdio: ['pipe', 'ignore', 'pipe', 'pipe'],
    encoding: 'utf8',
  });
  expect(run.stderr).toBe('');
  const [start, { answer }] = run.output[3]!.trim()
    .split('\n')
    .map((line) => JSON.parse(line)) as [{ zlib: string }, { answer: string }];
  expect(start.zlib).toContain(answer);
  expect(answer).not.toBe(outside('import zlib; result = zlib.ZLIB_RUNTIME_VERSION'));
});

describe('the environment', () => {
  test('in Python, os.environ, is that of the process', async () => {
    expect(await inside('import os; result = os.environ["WANGP_TEST_VARIABLE"]')).toBe('set by Node');
    expect(await inside('import os; result = dict(os.environ)')).toEqual({ ...process.env });
  });

  test.skipIf(IN_CHILD)(
    'in Python lacks what Node sets later; `env` of init() reaches both, and what Python sets reaches Node',
    async () => {
      const { stdout, stderr } = await runScript(`(async () => {
      process.env.EARLY = 'early';
      const session = await wangp.init({ root: SCRIPTED_ROOT, env: { GIVEN: 'given' } });
      process.env.LATE = 'late';
      delete process.env.EARLY;
      const names = '[os.environ.get(name) for name in ("EARLY", "GIVEN", "LATE", "AGAIN", "PYTHONS")]';
      const read = () => session.call('execute', ['import os; result = ' + names]);
      const answers = [await read()];
      await wangp.init({ root: SCRIPTED_ROOT, env: { AGAIN: 'again', EARLY: undefined } });
      await session.call('execute', ['import os; os.environ["PYTHONS"] = "python"']);
      const { EARLY, GIVEN, LATE, AGAIN, PYTHONS } = process.env;
      answers.push(await read(), [EARLY ?? null, GIVEN, LATE, AGAIN, PYTHONS]);
      console.log(JSON.stringify(answers));
    })();`);
      expect(stderr).toBe('');
      expect(JSON.parse(stdout)).toEqual([
        ['early', 'given', null, null, null],
        [null, 'given', null, 'again', 'python'],
        [null, 'given', 'late', 'again', 'python'],
      ]);
    },
  );

  test("of Node is not changed by Python's start, and Python speaks UTF-8, where the locale is C", async () => {
    const script = `(async () => {
      const before = { ...process.env };
      const session = await wangp.init({ root: SCRIPTED_ROOT });
      const changed = Object.keys(process.env).filter((name) => process.env[name] !== before[name]);
      const encodings = '[sys.getfilesystemencoding(), sys.stdout.encoding]';
      console.log(JSON.stringify([changed, await session.call('evaluate', [encodings])]));
    })();`;
    const { stdout } = await runScript(script, { env: { LANG: 'C', LC_ALL: undefined, LC_CTYPE: undefined } });
    expect(JSON.parse(stdout)).toEqual([[], ['utf-8', 'utf-8']]);
  });

  test('reaches Python whole where the host changes it after libpython was opened', async () => {
    // Each new variable may move the array of all of them. Not while Python starts: it asks libc too, and libc's own
    // getenv() beside a setenv() crashes (docs/limits.md).
    const { code, signal, stdout } = await runScript(`
      process.env.EARLY = 'early';
      const before = Object.keys(process.env);
      const { dlopen } = process;
      process.dlopen = (module, file, ...rest) => {
        dlopen.call(process, module, file, ...rest);
        if (!file.includes('core.cp')) return;
        for (let n = 0; n < 400; n += 1) process.env['LATE_' + n] = 'x'.repeat(30);
      };
      wangp.init({ root: SCRIPTED_ROOT }).then(async (session) => {
        const names = await session.call('execute', ['import os; result = list(os.environ)']);
        console.log(JSON.stringify(before.filter((name) => !names.includes(name))));
      });`);
    expect({ code, signal, stdout }).toEqual({ code: 0, signal: null, stdout: '[]\n' });
  });
});

test('a job that changes its working directory moves neither Node nor other calls', async () => {
  expect(session.info.isolation.workingDirectory).toBe('thread');
  const before = process.cwd();
  const script = `import os
os.chdir("/")
kept["directory"] = os.getcwd()
job.wait_for_cancel(30)`;
  const job = await session.submitTask({ script });
  await expect.poll(() => inside('result = kept.get("directory")'), { timeout: 20_000 }).toBe('/');
  const node = execFileSync(process.execPath, ['-p', 'process.cwd()'], { encoding: 'utf8' }).trim();
  expect([process.cwd(), node]).toEqual([before, before]);
  expect(await inside('import os; result = os.getcwd()')).not.toBe('/');
  job.cancel();
  await job.result();
});

test("a submit sees the caller's working directory", async () => {
  const result = await session.runTask({ script: 'import os; put("info", os.getcwd())' });
  expect(result.success).toBe(true);
  const job = await session.submitTask({ script: 'import os; put("info", os.getcwd())' });
  const directories: unknown[] = [];
  for await (const event of job.events) if (event.kind === 'info') directories.push(event.data);
  expect(directories).toEqual([process.cwd()]);
});

describe('child processes are those of Python', () => {
  test('a multiprocessing pool computes in a process that it spawns', async () => {
    const statements = `import multiprocessing, math
with multiprocessing.Pool(1) as pool:
    result = [pool.apply(math.sqrt, (16,)), multiprocessing.get_start_method()]`;
    expect(await inside(statements)).toEqual([4, 'spawn']);
  });

  test('a multiprocessing process is started by spawn, and hands back its exit code', async () => {
    const statements = `import multiprocessing, sys
process = multiprocessing.Process(target=sys.exit, args=(3,))
process.start()
process.join()
result = [process.exitcode, multiprocessing.get_start_method()]`;
    expect(await inside(statements)).toEqual([3, 'spawn']);
  });

  test('subprocess starts the interpreter, with the same packages', async () => {
    const statements = `import subprocess, sys
script = "import numpy, sys; print(sys.executable, sys.prefix, sys.flags.no_site, numpy.__version__)"
result = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True).stdout.split()`;
    const expected = 'import numpy, sys; result = [sys.executable, sys.prefix, "0", numpy.__version__]';
    expect(await inside(statements)).toEqual(outside(expected));
  });

  test('sys.executable runs pip', async () => {
    const statements = `import subprocess, sys
result = subprocess.run([sys.executable, "-m", "pip", "--version"], capture_output=True, text=True).stdout[:3]`;
    expect(await inside(statements)).toBe('pip');
  });
});
