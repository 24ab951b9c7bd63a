import { init } from 'wangp-node';

const { ways } = JSON.parse(process.env.WANGP_PROGRAM);
const roots = [];
const failures = [];
for (const root of ways) {
  try {
    roots.push((await init({ root, consoleOutput: false })).info.root);
  } catch ({ code, message }) {
    failures.push({ root, code, message });
  }
}
console.log(JSON.stringify({ roots, failures }));
