// The examples of docs/settings.md: the compiler accepts them, and the sample root runs what they submit.
import { execFile } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import ts from 'typescript';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { FIXTURES, REPOSITORY } from './tools.js';

const DOCUMENT = readFileSync(path.join(REPOSITORY, 'docs', 'settings.md'), 'utf8');

/** The examples by the heading above them, in the order of the document; the imports of all. */
const examples = new Map<string, string[]>();
const imported = new Set<string>(['init']);
for (const [, heading, body] of DOCUMENT.matchAll(/^#+ (.+)$([^]*?)(?=^# |^## |$(?![^]))/gm)) {
  const blocks = [...body!.matchAll(/^```ts\n([^]*?)^```/gm)].map(([, block]) =>
    block!.replaceAll(/^import (?:type )?\{ (.+?) \} from 'wangp-node';\n/gm, (_, names: string) => {
      for (const name of names.split(', ')) imported.add(name);
      return '';
    }),
  );
  if (blocks.length > 0) examples.set(heading!, blocks);
}

// Inside the package, so that the program can import it by its name.
const folder = path.join(REPOSITORY, '.cache', 'settings-document');
const IMAGE = path.join(FIXTURES, 'media', 'start.png');

/** Small enough to be made at once, whatever the example asks for. */
const SMALL = `{ resolution: '64x48', num_inference_steps: 1 }`;

/** What follows the examples of a heading: what they are for must happen. */
const CONSEQUENCES: Record<string, string> = {
  Settings: `report('Settings', (await job.result()).success);`,
  'What is typed': `report('What is typed', (await session.runTask({ ...defaults, ...${SMALL} })).success);`,
  'Narrowing by what a model can do': `
    const animated = await animate(session, 'ltx2_22B_distilled', process.env['IMAGE']!, 0.2);
    report('Narrowing by what a model can do', (await session.runTask({ ...animated, ...${SMALL} })).success);`,
  'Which models there are': `report('Which models there are', models.length > 0);`,
};

/** One program of all examples; those of a part that the sample root lacks say so by their error's code. */
function programOf(): string {
  const parts = [...examples].map(([heading, blocks]) => {
    const code = blocks.join('\n').replaceAll('submitTask({ ', `submitTask({ ...${SMALL}, `);
    if (heading in CONSEQUENCES) return `${code}\n${CONSEQUENCES[heading]}`;
    const statements = code.replaceAll(
      /^(?:const \w+ = )?await ([^]+?);$/gm,
      (_, call) => `report(${JSON.stringify(heading)}, await codeOf(${call}));`,
    );
    return statements;
  });
  return `import { ${[...imported].sort().join(', ')} } from 'wangp-node';
const session = await init({ outputDir: 'outputs', consoleOutput: false });
const reports: [string, unknown][] = [];
const report = (heading: string, outcome: unknown): void => void reports.push([heading, outcome]);
const codeOf = (call: Promise<unknown>): Promise<unknown> =>
  call.then(() => 'accepted', (error: { code?: string }) => error.code ?? error);
${parts.join('\n')}
console.log(JSON.stringify(reports));
`;
}

beforeAll(() => {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(path.join(folder, 'outputs'), { recursive: true });
  writeFileSync(path.join(folder, 'examples.ts'), programOf());
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('the examples of docs/settings.md', () => {
  test('stand under these headings', () => {
    expect([...examples.keys()]).toEqual([...Object.keys(CONSEQUENCES), 'Postprocessing']);
  });

  test('are accepted by the compiler as they stand', async () => {
    const config = {
      extends: '../../tsconfig.tests.json',
      compilerOptions: {
        rootDir: '../..',
        paths: { 'wangp-node': ['../../dist/index.d.ts'] },
        typeRoots: ['../../node_modules/@types'],
      },
      include: ['examples.ts'],
      exclude: [],
    };
    writeFileSync(path.join(folder, 'tsconfig.json'), JSON.stringify(config));
    const tsc = path.join(REPOSITORY, 'node_modules', 'typescript', 'bin', 'tsc');
    const failed = await promisify(execFile)(process.execPath, [tsc, '-p', folder]).catch((error: unknown) => error);
    expect((failed as { stdout: string }).stdout).toBe('');
  });

  test('submit what the sample root generates; what it lacks, postprocessing, is refused with ERR_WANGP_UNSUPPORTED', async () => {
    const { outputText } = ts.transpileModule(readFileSync(path.join(folder, 'examples.ts'), 'utf8'), {
      compilerOptions: { module: ts.ModuleKind.ESNext, target: ts.ScriptTarget.ES2022 },
    });
    const file = path.join(folder, 'examples.mjs');
    writeFileSync(file, outputText);
    const { stdout } = await promisify(execFile)(process.execPath, [file], {
      cwd: folder,
      env: { ...process.env, IMAGE },
    });
    const outcomes = JSON.parse(stdout.trim().split('\n').at(-1)!) as [string, unknown][];
    expect(outcomes).toEqual([
      ...Object.keys(CONSEQUENCES).map((heading) => [heading, true]),
      ...Array.from({ length: 3 }, () => ['Postprocessing', 'ERR_WANGP_UNSUPPORTED']),
    ]);
  });
});
