import { writeFileSync } from 'node:fs';
import { init } from 'wangp-node';

const { outputDir, settings, file } = JSON.parse(process.env.WANGP_PROGRAM);
const session = await init({ root: undefined, outputDir });
const result = await session.runTask(settings);
await session.call('get_default_settings', ['ltx2_22B_distilled']);
console.log('to nobody');
writeFileSync(file, JSON.stringify({ success: result.success, errors: result.errors }));
