// Values that JavaScript can make and a conversion may stumble over. Each maker puts down in `oracle` what must become
// of its value, because looking at it would change it, or throw: `text` as Python describes it, `refused` as the message
// calls it (null: by any name) with the rest of the place in `at`, or the `error` that must come through as it is.

/** Makes `value` known to the oracle. */
function known(oracle, value, outcome) {
  oracle.set(value, outcome);
  return value;
}

function detach(buffer) {
  globalThis.structuredClone(buffer, { transfer: [buffer] });
}

/** An error, or whatever else may be thrown, in the box that the oracle's answer is. */
export class Thrown {
  constructor(reason) {
    this.reason = reason;
  }
}

/** The makers, which choose among their variants by chance. */
export function hostileMakers({ pick, below }, oracle) {
  const refused = (value, what = null, at = '') => known(oracle, value, { refused: what, at });
  const throwing = (make) => {
    const reason = pick([new RangeError('mine'), 'text', 42, null, undefined, Symbol('mine')]);
    const value = make(() => {
      throw reason;
    });
    return known(oracle, value, { error: new Thrown(reason) });
  };
  const builtIns = [
    () => refused(new Date(), 'a Date'),
    () => refused(new Date(NaN), 'a Date'),
    () => refused(Promise.resolve(1), 'a Promise'),
    () => refused(new Map([[1, 2]]), 'a Map'),
    () => refused(new Set([1]), 'a Set'),
    () => refused(new WeakMap(), 'a WeakMap'),
    () => refused(new WeakSet(), 'a WeakSet'),
    () => refused(/x/, 'a RegExp'),
    () => refused(new TypeError('x'), 'an Error'),
    () => refused(Object.assign(new Error('x'), { code: 1 }), 'an Error'),
    () => refused(Object(1), 'a Number'),
    () => refused(Object('text'), 'a String'),
    () => refused(Object(true), 'a Boolean'),
    () => refused(Object(1n)),
    () => refused(Object(Symbol('s'))),
    () => refused([1].values()),
    () => refused((function* () {})()),
    () => refused(new Proxy(new Map(), {})),
    () => refused(new SharedArrayBuffer(below(9)), 'a SharedArrayBuffer'),
    () => refused(new Uint8Array(new SharedArrayBuffer(8), 2), 'memory shared between threads'),
    () => refused(new DataView(new SharedArrayBuffer(8), 2), 'memory shared between threads'),
  ];
  const scalars = [() => NaN, () => -Infinity, () => Symbol('s'), () => () => 1, () => class {}, () => Math.max];
  const detached = [Float64Array, Uint8Array, DataView].map((Type) => () => {
    const view = new Type(new ArrayBuffer(8 * below(4)));
    detach(view.buffer);
    return refused(view, 'a detached ArrayBuffer');
  });
  const detachedBuffer = () => {
    const buffer = new ArrayBuffer(below(9));
    detach(buffer);
    return refused(buffer, 'a detached ArrayBuffer');
  };
  /** A view that its buffer has no room for any more shows nothing. */
  const outOfBounds = () => {
    const buffer = new ArrayBuffer(16, { maxByteLength: 32 });
    const view = new Uint16Array(buffer, 8, 4);
    buffer.resize(8);
    return known(oracle, view, { text: 'view H 2 0 ' });
  };
  const outOfBoundsDataView = () => {
    const buffer = new ArrayBuffer(16, { maxByteLength: 32 });
    const view = new DataView(buffer, 8, pick([undefined, 4]));
    buffer.resize(4);
    // JavaScript itself throws where such a view is read.
    return known(oracle, view, { text: 'view B 1 0 ', orRefused: true });
  };
  const underConversion = [
    () => {
      const view = new Uint8Array(8);
      const value = {
        get first() {
          detach(view.buffer);
          return 1;
        },
        view,
      };
      return refused(value, 'a detached ArrayBuffer', '.view');
    },
    () => {
      const view = new Uint8Array(new ArrayBuffer(4096, { maxByteLength: 4096 }));
      const value = {
        get first() {
          view.buffer.resize(0);
          return null;
        },
        view,
      };
      return known(oracle, value, { text: '{str 66006900720073007400:null,str 7600690065007700:view B 1 0 ,}' });
    },
    // A bigint comes first: what is not plain is read once. What is plain may be read twice, and getters know.
    () => {
      const value = {
        n: 1n,
        get a() {
          delete value.b;
          value.c = 1;
          return true;
        },
        b: 2,
      };
      return known(oracle, value, { text: '{str 6e00:int 0x1,str 6100:true,}' });
    },
    () => {
      const list = [1n, 1, 2, 3];
      Object.defineProperty(list, 1, {
        get: () => {
          list.length = 2;
          return false;
        },
      });
      return known(oracle, list, { text: '[int 0x1,false,null,null,]' });
    },
    () => {
      const list = [1n, 1, 2];
      Object.defineProperty(list, 1, {
        get: () => {
          list.push(...Array(1000).keys());
          return false;
        },
      });
      return known(oracle, list, { text: '[int 0x1,false,int 0x2,]' });
    },
  ];
  const throwers = [
    () =>
      throwing((fail) => ({
        before: [1, 'a'],
        get seed() {
          return fail();
        },
      })),
    () => throwing((fail) => Object.defineProperty([1, 2], 1, { get: fail })),
    () => throwing((fail) => new Proxy({ a: 1 }, { ownKeys: fail })),
    () => throwing((fail) => new Proxy({ a: 1 }, { getOwnPropertyDescriptor: fail })),
    () => throwing((fail) => new Proxy({ a: 1 }, { get: fail })),
    () =>
      throwing((fail) =>
        Object.create({
          get [Symbol.toStringTag]() {
            return fail();
          },
        }),
      ),
  ];
  const proxies = [
    () => {
      const { proxy, revoke } = Proxy.revocable(pick([{}, []]), {});
      revoke();
      return known(oracle, proxy, { error: TypeError });
    },
    () => {
      const fail = () => {
        throw new Error('this trap is no business of a conversion');
      };
      const traps = { has: fail, set: fail, deleteProperty: fail, defineProperty: fail, setPrototypeOf: fail };
      return known(oracle, new Proxy({ a: null }, traps), { text: '{str 6100:null,}' });
    },
    () => {
      const traps = { ownKeys: () => ['x', 'y'], getOwnPropertyDescriptor: () => undefined };
      return known(oracle, new Proxy({}, traps), { text: '{}' });
    },
    () => {
      const endless = () => new Proxy({ a: 1 }, { get: (_, key) => (key === 'a' ? endless() : undefined) });
      return refused(endless(), 'more than 1,000 levels deep', '.a'.repeat(998));
    },
  ];
  /** Far more elements than any list: only their number is there. */
  const endlessArray = () => {
    const list = [1];
    list.length = pick([2 ** 32 - 1, 2 ** 31, 2 ** 30, 2 ** 27]);
    return refused(list);
  };
  return [
    ...builtIns,
    ...scalars,
    ...detached,
    detachedBuffer,
    outOfBounds,
    outOfBoundsDataView,
    ...underConversion,
    ...throwers,
    ...proxies,
    endlessArray,
  ];
}
