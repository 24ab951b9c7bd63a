import { appendFileSync } from 'node:fs';
import path from 'node:path';
import { init } from 'wangp-node';

const { breakIt, ...options } = JSON.parse(process.env.WANGP_PROGRAM).options;
if (breakIt !== undefined) appendFileSync(path.join(options.root, 'shared', 'api.py'), `\n${breakIt}\n`);
try {
  await init(options);
  console.log(JSON.stringify({ code: 'none' }));
} catch ({ code, message }) {
  console.log(JSON.stringify({ code, message }));
}
