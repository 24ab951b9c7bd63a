import { init } from 'wangp-node';

const { root, pythons } = JSON.parse(process.env.WANGP_PROGRAM);
const failures = [];
for (const python of pythons) {
  try {
    await init({ root, python, consoleOutput: false });
  } catch ({ code, message }) {
    failures.push({ python, code, message });
  }
}
console.log(JSON.stringify({ failures }));
