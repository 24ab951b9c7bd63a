import { describe, expect, test } from 'vitest';
import { type Exit, runScript } from '../tools.js';

/** A host in a process of its own: a session, and a job that computes in Python until it is cancelled. */
function runHost(body: string): Promise<Exit> {
  return runScript(`
    const { setTimeout: sleep } = require('node:timers/promises');
    const { spawn } = require('node:child_process');
    const answers = {};
    const countSignals = (...names) => {
      for (const name of names) {
        answers[name] = 0;
        process.on(name, () => (answers[name] += 1));
      }
    };
    /** Starts Python's job; resolves once it computes. */
    const startJob = async () => {
      const session = await wangp.init({ root: SCRIPTED_ROOT });
      // What WanGP and its packages import, and what may take a signal when it is imported.
      await session.call('execute', ['import asyncio, multiprocessing, signal, subprocess']);
      const script = 'put("info", "computing")\\nwhile not job.cancel_requested: sum(range(1000))';
      const job = await session.submitTask({ script });
      for await (const event of job.events) if (event.kind === 'info') break;
      return { session, job };
    };
    (async () => {
      ${body}
    })();`);
}

async function answersOf(body: string): Promise<unknown> {
  const { code, stdout, stderr } = await runHost(`${body}\n console.log(JSON.stringify(answers));`);
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  return JSON.parse(stdout);
}

describe('while Python computes', () => {
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGCHLD', 'SIGUSR2'];

  test.each(['before', 'after'])('handlers that the host installed %s the start are called, once', async (when) => {
    const install = `countSignals(...${JSON.stringify(signals)});`;
    const answers = await answersOf(`
      ${when === 'before' ? install : ''}
      const { job } = await startJob();
      ${when === 'after' ? install : ''}
      for (const name of ${JSON.stringify(signals)}) {
        process.kill(process.pid, name);
        await sleep(50);
      }
      await sleep(200);
      job.cancel();
      await job.result();`);
    expect(answers).toEqual(Object.fromEntries(signals.map((name) => [name, 1])));
  });

  test.each(['SIGINT', 'SIGTERM', 'SIGHUP'])('%s ends a host that has no handler for it', async (name) => {
    const { code, signal, stdout } = await runHost(`
      await startJob();
      process.kill(process.pid, '${name}');
      await sleep(2000);
      console.log('still here');
      process.exit();`);
    expect({ code, signal, stdout }).toEqual({ code: null, signal: name, stdout: '' });
  });

  // Python takes SIGINT for itself where it finds the default action, which a removed listener leaves behind.
  test.each(['SIGINT', 'SIGTERM'])('%s ends a host that has taken its handler away', async (name) => {
    const { code, signal, stdout } = await runHost(`
      const ignore = () => {};
      process.on('${name}', ignore).off('${name}', ignore);
      await startJob();
      process.kill(process.pid, '${name}');
      await sleep(2000);
      console.log('still here');
      process.exit();`);
    expect({ code, signal, stdout }).toEqual({ code: null, signal: name, stdout: '' });
  });

  test('the exit codes of child processes reach who started them, Node or Python', async () => {
    const answers = await answersOf(`
      const { session, job } = await startJob();
      const child = (code) => new Promise((resolve) => {
        spawn(process.execPath, ['-e', 'process.exit(' + code + ')']).on('exit', (...exit) => resolve(exit));
      });
      const killed = new Promise((resolve) => {
        const sleeper = spawn(process.execPath, ['-e', 'setTimeout(() => {}, 30000); console.log()']);
        sleeper.stdout.once('data', () => sleeper.kill('SIGTERM'));
        sleeper.on('exit', (...exit) => resolve(exit));
      });
      const python = session.call('execute', [
        'import subprocess, sys\\n' +
        'result = [subprocess.run([sys.executable, "-c", f"raise SystemExit({n})"]).returncode for n in range(3)]',
      ]);
      [answers.python, ...answers.node] = await Promise.all([python, child(0), child(3), killed]);
      job.cancel();
      await job.result();`);
    expect(answers).toEqual({
      python: [0, 1, 2],
      node: [
        [0, null],
        [3, null],
        [null, 'SIGTERM'],
      ],
    });
  });

  test("Python leaves the host's handlers alone: SIGINT reaches Node and raises no KeyboardInterrupt", async () => {
    const answers = await answersOf(`
      countSignals('SIGINT');
      const { session, job } = await startJob();
      const handlers = 'import signal; result = [str(signal.getsignal(number)) for number in (signal.SIGINT, signal.SIGTERM)]';
      answers.python = await session.call('execute', [handlers]);
      process.kill(process.pid, 'SIGINT');
      await sleep(200);
      job.cancel();
      answers.ending = (await job.result()).errors.map(({ stage }) => stage);`);
    // Somebody else's handlers, says Python: no KeyboardInterrupt has ended the job, its cancellation did.
    expect(answers).toEqual({ SIGINT: 1, python: ['None', 'None'], ending: ['cancelled'] });
  });
});

test('a signal handler that Python sets itself is called', async () => {
  const answers = await answersOf(`
    const { session, job } = await startJob();
    await session.call('execute', ['import signal; signal.signal(signal.SIGUSR2, lambda *_: kept.update(heard=True))']);
    process.kill(process.pid, 'SIGUSR2');
    await sleep(100);
    answers.heard = await session.call('evaluate', ['kept.get("heard")']);
    job.cancel();
    await job.result();`);
  expect(answers).toEqual({ heard: true });
});
