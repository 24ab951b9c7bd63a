import assert from 'node:assert/strict';
import { beforeAll, describe, expect, test } from 'vitest';
import { type Settings, WanGPError, type WanGPSession } from 'wangp-node';
import { initScripted } from '../tools.js';

let session: WanGPSession;

beforeAll(async () => {
  session = await initScripted();
});

describe('what Python cannot hold is refused, with its place', () => {
  async function refusal(attempt: () => Promise<unknown>): Promise<unknown> {
    const error: unknown = await attempt().then(
      () => assert.fail('it was accepted'),
      (reason: unknown) => reason,
    );
    const next = await session.runTask({ script: 'put("status", "ready")' });
    expect(next.success).toBe(true);
    return error;
  }

  const circular: Record<string, unknown> = { list: [{}] };
  (circular['list'] as Record<string, unknown>[])[0]!['up'] = circular['list'];
  const detached = new Uint8Array(4);
  structuredClone(detached, { transfer: [detached.buffer] });
  const detachedBuffer = detached.buffer;

  const refused: [string, unknown, string][] = [
    ['NaN', NaN, 'is NaN, which'],
    ['Infinity', Infinity, 'is Infinity, which'],
    ['-Infinity', -Infinity, 'is -Infinity, which'],
    ['a function', () => 1, 'is a function, which'],
    ['a class', WanGPError, 'is a function, which'],
    ['a symbol', Symbol('x'), 'is a symbol, which'],
    ['a Date', new Date(), 'is a Date, which cannot be handed to Python: pass date.toISOString() or a number'],
    ['a Promise', Promise.resolve(1), 'is a Promise, which cannot be handed to Python: await it first'],
    ['a Map', new Map([[1, 2]]), 'is a Map, which'],
    ['a Set', new Set([1]), 'is a Set, which'],
    ['a WeakMap', new WeakMap(), 'is a WeakMap, which'],
    ['a RegExp', /x/, 'is a RegExp, which'],
    ['a URL', new URL('file:///a.png'), 'is a URL, which cannot be handed to Python: pass a string'],
    ['an Error', new Error('x'), 'is an Error, which'],
    ['an iterator', [1].values(), 'is an Array Iterator, which'],
    ['a boxed number', Object(1), 'is a Number, which'],
    ['a detached typed array', detached, 'is a detached ArrayBuffer, which'],
    ['a detached ArrayBuffer', detachedBuffer, 'is a detached ArrayBuffer, which'],
    ['a SharedArrayBuffer', new SharedArrayBuffer(4), 'is a SharedArrayBuffer, which'],
    ['shared memory', new Uint8Array(new SharedArrayBuffer(4)), 'is memory shared between threads, which'],
  ];
  test.each(refused)('%s is refused with the place where it stands', async (_, value, message) => {
    const error = await refusal(() => session.submitTask({ foo: [0, 1, { bar: value }] }));
    expect(error).toBeInstanceOf(WanGPError);
    expect(error).toMatchObject({ code: 'ERR_WANGP_VALUE' });
    expect((error as Error).message).toContain(`settings.foo[2].bar ${message}`);
  });

  test('a circle is refused with the places that close it', async () => {
    const itself: Record<string, unknown> = {};
    itself['me'] = itself;
    const message = 'settings.me is an object that contains itself, which cannot be handed to Python';
    expect(await refusal(() => session.submitTask(itself))).toMatchObject({ code: 'ERR_WANGP_VALUE', message });
    const deeper = await refusal(() => session.submitTask(circular));
    expect(deeper).toMatchObject({ message: expect.stringMatching(/^settings\.list\[0\]\.up is an object that/) });
  });

  // Instrumented frames are larger: V8's own limit comes first.
  test.skipIf(process.env['WANGP_TEST_SANITIZER'])(
    'more than a thousand levels are refused, with a place that is named by both its ends',
    async () => {
      const value: Settings = {};
      let inner: Record<string, unknown> = value;
      for (let level = 0; level < 2000; level += 1) inner = inner['größe'] = {};
      const error = (await refusal(() => session.submitTask(value))) as Error;
      expect(error.message).toMatch(/^settings\.größe\..*…ö?ß?.*größe is more than 1,000 levels deep, which/u);
      expect(error.message.length).toBeLessThan(300);
      expect(error.message).not.toContain('\ufffd');
    },
  );

  const places: [string, string, () => Promise<unknown>][] = [
    ['submitTask', 'settings.seed', () => session.submitTask({ seed: NaN })],
    ['submitManifest', 'list[1].seed', () => session.submitManifest([{}, { seed: NaN }])],
    ['submit of settings', 'source.seed', () => session.submit({ seed: NaN })],
    ['submit of a list', 'source[1].seed', () => session.submit([{}, { seed: NaN }])],
    ['submit of { tasks }', 'source.tasks[0].seed', () => session.submit({ tasks: [{ seed: NaN }] })],
    ['runTask', 'settings.seed', () => session.runTask({ seed: NaN })],
    ['call', 'args[1]', () => session.call('echo', [1, NaN])],
    ['keywords of call', 'keywords.k.x', () => session.call('echo', [], { k: { x: NaN } })],
    ['a key that is no name', 'settings["a b"][0]', () => session.submitTask({ 'a b': [NaN] })],
    [
      'an element of _api',
      'settings._api.return_media',
      () => session.submitTask({ _api: { return_media: NaN as never } }),
    ],
  ];
  test.each(places)('the place of %s is called %s', async (_, place, attempt) => {
    const message = `${place} is NaN, which cannot be handed to Python`;
    expect(await refusal(attempt)).toMatchObject({ code: 'ERR_WANGP_VALUE', message });
  });

  test('the error of a getter that throws comes through as it is', async () => {
    const mine = new RangeError('my getter');
    const settings = {
      get seed(): number {
        throw mine;
      },
    };
    expect(await refusal(() => session.submitTask(settings))).toBe(mine);
    const proxy = new Proxy({}, { ownKeys: () => assert.fail(mine) });
    expect(await refusal(() => session.submitTask(proxy))).toBe(mine);
  });

  test('a list that a getter empties while the object is read arrives empty', async () => {
    const list: unknown[] = [1, 2, 3];
    const settings = {
      get first(): number {
        list.length = 0;
        return 1;
      },
      list,
    };
    expect(await session.call('echo', [settings])).toEqual([{ first: 1, list: [] }]);
  });
});
