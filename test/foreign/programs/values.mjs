import { isDeepStrictEqual } from 'node:util';
import { init } from 'wangp-node';

const { root } = JSON.parse(process.env.WANGP_PROGRAM);
const session = await init({ root, consoleOutput: false });
const value = { text: 'zwölf 🚲\\', whole: -12, real: 0.5, big: 2n ** 70n, safe: 2 ** 53 - 1, none: null, list: [[]] };
const back = await session.call('evaluate', ['value', value]);
console.log(JSON.stringify({ same: isDeepStrictEqual(back, value) }));
