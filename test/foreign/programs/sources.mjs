import { copyFileSync } from 'node:fs';
import path from 'node:path';
import { init } from 'wangp-node';

const { sources, url, outputDir, image } = JSON.parse(process.env.WANGP_PROGRAM);
copyFileSync(path.join('node_modules', 'wangp-node', 'examples', 'media', 'start.png'), image);
const session = await init({ root: undefined, outputDir, consoleOutput: false });
const results = [];
for (const source of [...sources, new URL(url)]) {
  const result = await session.run(source);
  results.push({ errors: result.errors.map(({ message }) => message), files: result.generatedFiles });
}
console.log(JSON.stringify({ results }));
