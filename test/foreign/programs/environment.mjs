import { init } from 'wangp-node';

const { root } = JSON.parse(process.env.WANGP_PROGRAM);
const session = await init({ root, consoleOutput: false });
const [prefix, module] = await session.call('execute', [
  'import sys, only_in_venv\nresult = [sys.prefix, only_in_venv.WORD]',
]);
console.log(JSON.stringify({ python: session.info.python, prefix, module }));
