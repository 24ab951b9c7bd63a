import { constants } from 'node:buffer';
import { beforeAll, describe, expect, test } from 'vitest';
import type { GeneratedArtifact, WanGPSession } from 'wangp-node';
import { collectUntil, initScripted, probe } from '../tools.js';

let session: WanGPSession;

beforeAll(async () => {
  session = await initScripted();
});

/** Runs `script`, which keeps what it hands over in `kept`, and gives the one artifact. */
async function artifactOf(script: string): Promise<GeneratedArtifact> {
  const result = await session.runTask({ script });
  expect(result.errors).toEqual([]);
  return result.artifacts[0]!;
}

const EXPORTERS = {
  'a NumPy array': {
    make: 'import numpy; kept["media"] = numpy.arange(3*4*5*6, dtype=numpy.uint8).reshape(3, 4, 5, 6)',
    address: 'kept["media"].ctypes.data',
    change: 'kept["media"][2, 3, 4, 5] = 77',
  },
  'a memoryview': {
    make: 'kept["media"] = memoryview(bytearray(range(180)) * 2).cast("B", (3, 4, 5, 6))',
    address: '__import__("ctypes").addressof(__import__("ctypes").c_char.from_buffer(kept["media"]))',
    change: 'kept["media"][2, 3, 4, 5] = 77',
  },
  'a torch tensor': {
    make: 'import torch; kept["media"] = torch.arange(3*4*5*6).to(torch.uint8).reshape(3, 4, 5, 6)',
    address: 'kept["media"].data_ptr()',
    change: 'kept["media"][2, 3, 4, 5] = 77',
  },
};

describe.each(Object.entries(EXPORTERS))('the memory of %s', (name, { make, address, change }) => {
  const hasTorch = process.env['WANGP_TEST_TORCH'] === '1';
  test.skipIf(name === 'a torch tensor' && !hasTorch)(
    'has the same address in JavaScript, and shows what Python changes',
    async () => {
      const { video } = await artifactOf(`${make}\nadd_artifact(video_tensor_uint8=kept["media"], fps=8.0)`);
      expect(video).toMatchObject({ shape: [3, 4, 5, 6], dtype: 'uint8', zeroCopy: true, fps: 8 });
      expect(probe.addressOf(video!.data.buffer)).toBe(BigInt((await session.call('evaluate', [address])) as number));
      expect(video!.data).toHaveLength(360);
      expect(video!.data[359]).not.toBe(77);
      await session.call('execute', [change]);
      expect(video!.data[359]).toBe(77);
      video!.data[0] = 99;
      const first = 'kept["media"][0, 0, 0, 0]';
      expect(await session.call('evaluate', [`int(${first})`])).toBe(99);
      video!.dispose();
      await session.call('execute', ['kept.clear()']);
    },
  );
});

describe('what cannot be shared is copied, and says so', () => {
  const sources: [string, string, number[]][] = [
    ['a strided array', 'numpy.arange(48, dtype="uint8").reshape(3, 2, 2, 4)[:, :, :, ::2]', [0, 2, 4, 6]],
    ['a read-only array', 'numpy.frombuffer(bytes(range(24)), dtype="uint8").reshape(3, 2, 2, 2)', [0, 1, 2, 3]],
    ['a Fortran array', 'numpy.asfortranarray(numpy.arange(24, dtype="uint8").reshape(3, 2, 2, 2))', [0, 1, 2, 3]],
  ];
  test.each(sources)('%s arrives with its values as a copy, and zeroCopy is false', async (_, source, start) => {
    const { video } = await artifactOf(`import numpy; add_artifact(video_tensor_uint8=${source})`);
    expect(video!.zeroCopy).toBe(false);
    expect(video!.shape).toEqual([3, 2, 2, 2]);
    expect([...video!.data.subarray(0, 4)]).toEqual(start);
  });

  test('a video too large for a Buffer of this Node is refused with ERR_WANGP_TOO_LARGE, and shared where it fits', async () => {
    // 4.5 GB that nobody writes: the system gives pages only where one is touched.
    const size = 4_500_000_000;
    const { artifacts } = await session.runTask({
      script: `import numpy
video = numpy.zeros((3, 1500, 1000, 1000), numpy.uint8)
video.reshape(-1)[-1] = 77
add_artifact(video_tensor_uint8=video)`,
    });
    using video = artifacts[0]!.video!;
    expect(video.shape).toEqual([3, 1500, 1000, 1000]);
    if (size > constants.MAX_LENGTH) {
      expect(() => video.data).toThrow(expect.objectContaining({ code: 'ERR_WANGP_TOO_LARGE' }));
    } else {
      expect(video.zeroCopy).toBe(true);
      expect(video.data.at(-1)).toBe(77);
    }
  });

  test('sound of another type becomes float32', async () => {
    const script = 'import numpy; add_artifact(audio_tensor=numpy.array([[0.5], [-1.0]]), audio_sampling_rate=24000)';
    const { audio } = await artifactOf(script);
    expect(audio).toMatchObject({ shape: [2, 1], dtype: 'float32', samplingRate: 24000, zeroCopy: false });
    expect([...audio!.data]).toEqual([0.5, -1]);
  });
});

describe('Python has its memory back', () => {
  const script = `import numpy, weakref
media = numpy.zeros((3, 4, 64, 64), dtype=numpy.uint8)
kept["alive"] = weakref.ref(media)
add_artifact(video_tensor_uint8=media)
del media`;
  const isAlive = (): Promise<unknown> => session.call('evaluate', ['kept["alive"]() is not None']);

  test('after dispose(), and the views are empty', async () => {
    const { video } = await artifactOf(script);
    const view = video!.data.subarray(10);
    expect(await isAlive()).toBe(true);
    video!.dispose();
    video!.dispose();
    expect(video!.disposed).toBe(true);
    expect(() => video!.data).toThrow(expect.objectContaining({ code: 'ERR_WANGP_DISPOSED' }));
    expect(view).toHaveLength(0);
    // The release is queued to Python: at its next turn.
    await expect.poll(isAlive, { timeout: 20_000 }).toBe(false);
  });

  test('after the last view was collected, not before', async () => {
    const views = [(await artifactOf(script)).video!.data.subarray(10)];
    globalThis.gc!();
    expect(await isAlive()).toBe(true);
    expect(views[0]).toHaveLength(3 * 4 * 64 * 64 - 10);
    views.pop();
    expect(await collectUntil(async () => (await isAlive()) === false)).toBe(true);
  });
});
