import { init } from 'wangp-node';

// Loads a Python by its import table, as another library that embeds one does.
const { core } = JSON.parse(process.env.WANGP_PROGRAM);
process.dlopen({ exports: {} }, core);
try {
  await init({ root: undefined, consoleOutput: false });
  console.log(JSON.stringify({ code: 'none' }));
} catch ({ code, message }) {
  console.log(JSON.stringify({ code, message }));
}
