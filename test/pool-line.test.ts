import { createRequire } from 'node:module';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { PACKAGE, REPOSITORY } from './tools.js';

interface Item {
  readonly name: number;
  readonly priority: number;
  readonly firstModel: string | null;
  overtaken: number;
}
interface Server {
  model: string | null;
}
interface Line {
  readonly items: readonly Item[];
  add(item: Item): void;
  putBack(item: Item): void;
  remove(item: Item): boolean;
  positionOf(item: Item): number;
  take<Free extends Server>(free: readonly Free[]): readonly [Item, Free] | undefined;
}

const { Line } = createRequire(import.meta.url)(path.join(PACKAGE, 'dist', 'pool', 'line.js')) as {
  Line: new (maxOvertaken: number) => Line;
};
const { mulberry32 } = (await import(path.join(REPOSITORY, 'test', 'stress', 'seeded.mjs'))) as {
  mulberry32: (seed: number) => () => number;
};

const item = (name: number, firstModel: string | null = null, priority = 0): Item => ({
  name,
  priority,
  firstModel,
  overtaken: 0,
});
const namesOf = (line: Line): number[] => line.items.map(({ name }) => name);

describe('a line', () => {
  test('is first in, first out within a priority; higher ones come first, negative ones last', () => {
    const line = new Line(8);
    for (const [name, priority] of [0, 5, 0, -1, 5, 0.5].entries()) line.add(item(name, null, priority));
    expect(namesOf(line)).toEqual([1, 4, 5, 0, 2, 3]);
  });

  test('takes an item back ahead of its priority, where nothing overtakes it', () => {
    const line = new Line(8);
    const back = item(9, 'b');
    for (const each of [item(0, 'a', 1), item(1, 'a'), item(2, 'c')]) line.add(each);
    line.putBack(back);
    expect(namesOf(line)).toEqual([0, 9, 1, 2]);
    line.take([{ model: 'a' }]);
    expect(line.take([{ model: 'a' }])![0]).toBe(back);
  });

  test('tells positions from 1, and 0 for what has left it', () => {
    const line = new Line(8);
    const [first, second] = [item(0), item(1)];
    line.add(first);
    line.add(second);
    expect([first, second].map((each) => line.positionOf(each))).toEqual([1, 2]);
    expect(line.remove(first)).toBe(true);
    expect(line.remove(first)).toBe(false);
    expect([first, second].map((each) => line.positionOf(each))).toEqual([0, 1]);
  });

  test('gives nothing where it is empty, or where nobody is free', () => {
    const line = new Line(8);
    expect(line.take([{ model: null }])).toBeUndefined();
    line.add(item(0));
    expect(line.take([])).toBeUndefined();
    expect(namesOf(line)).toEqual([0]);
  });

  test('prefers an item whose model is loaded, but none of a lower priority', () => {
    const line = new Line(8);
    for (const each of [item(0, 'a', 1), item(1, 'b', 1), item(2, 'c', 0)]) line.add(each);
    expect(line.take([{ model: 'b' }])![0].name).toBe(1);
    expect(line.take([{ model: 'c' }])![0].name).toBe(0);
  });

  test('gives an item to the server that has its model, else to one without a model, else to the first', () => {
    const line = new Line(0);
    const [a, b, empty] = [{ model: 'a' }, { model: 'b' }, { model: null }];
    for (const name of [0, 1, 2]) line.add(item(name, 'b'));
    expect(line.take([a, empty, b])![1]).toBe(b);
    expect(line.take([a, empty])![1]).toBe(empty);
    expect(line.take([a])![1]).toBe(a);
  });

  test('lets an item be overtaken as often as it may be, and then no more', () => {
    const line = new Line(2);
    line.add(item(0, 'b'));
    for (const name of [1, 2, 3]) line.add(item(name, 'a'));
    const server = { model: 'a' };
    expect([1, 2, 3, 4].map(() => line.take([server])![0].name)).toEqual([1, 2, 0, 3]);
  });

  test('takes an unknown model for no model that is loaded', () => {
    const line = new Line(8);
    line.add(item(0, 'a'));
    line.add(item(1, null));
    expect(line.take([{ model: null }])![0].name).toBe(0);
  });
});

/** 2,000 jobs of models at random; a job takes 1, to load its model 2. Deterministic. */
function simulate(maxOvertaken: number, workers: number, models: number): { loads: number; mostOvertaken: number } {
  const next = mulberry32(7);
  const line = new Line(maxOvertaken);
  const servers = Array.from({ length: workers }, () => ({ model: null as string | null, freeAt: 0 }));
  for (let name = 0; name < 2000; name += 1) line.add(item(name, `model ${Math.floor(next() * models)}`));
  let [loads, mostOvertaken] = [0, 0];
  while (line.items.length > 0) {
    const time = Math.min(...servers.map(({ freeAt }) => freeAt));
    const [job, server] = line.take(servers.filter(({ freeAt }) => freeAt === time))!;
    const isLoaded = server.model === job.firstModel;
    if (!isLoaded) loads += 1;
    mostOvertaken = Math.max(mostOvertaken, job.overtaken);
    Object.assign(server, { model: job.firstModel, freeAt: time + (isLoaded ? 1 : 3) });
  }
  return { loads, mostOvertaken };
}

describe('with models at random, and the default of maxOvertaken', () => {
  test.each([
    [1, 2],
    [1, 4],
    [2, 2],
    [2, 3],
    [2, 4],
    [2, 6],
    [4, 4],
  ])('%i workers load %i models at most half as often as in the order of arrival', (workers, models) => {
    const inOrder = simulate(0, workers, models);
    const preferred = simulate(8, workers, models);
    expect(inOrder.mostOvertaken).toBe(0);
    expect(preferred.mostOvertaken).toBe(8);
    expect(preferred.loads / inOrder.loads).toBeLessThanOrEqual(0.5);
  });
});
