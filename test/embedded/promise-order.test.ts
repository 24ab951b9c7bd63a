import { beforeAll } from 'vitest';
import type { WanGPSession } from 'wangp-node';
import { testPromiseOrder } from '../fixtures/promise-order.js';
import { initScripted } from '../tools.js';

let session: WanGPSession;

beforeAll(async () => {
  session = await initScripted();
});

testPromiseOrder(() => session, { script: 'put("status", "at once")' });
