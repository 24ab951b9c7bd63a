// The five bundlers, each as a user configures it: with wangp-node external, and without a word about it.
import { writeFileSync } from 'node:fs';
import path from 'node:path';

export const PACKAGES = [
  'esbuild@0.28.2',
  'webpack@5.112.2',
  'rollup@4.68.8',
  '@rollup/plugin-node-resolve@16.0.3',
  '@rollup/plugin-commonjs@29.0.3',
  'vite@8.3.8',
  'next@16.4.6',
  'react@19',
  'react-dom@19',
];

const ENTRY = {
  esm: "import { init, WanGPError } from 'wangp-node';",
  cjs: "const { init, WanGPError } = require('wangp-node');",
};

/** What is bundled: generates, or prints the code and the message of what init() rejects with. */
export function entry(kind) {
  return `${ENTRY[kind]}
async function main() {
  const session = await init({ outputDir: 'outputs', consoleOutput: false });
  const result = await session.runTask({
    model_type: 'ltx2_22B_distilled', prompt: 'a', resolution: '64x48', video_length: 5, num_inference_steps: 2,
    _api: { return_media: true },
  });
  const { video } = result.throwIfFailed().artifacts[0];
  const answer = { zeroCopy: video.zeroCopy };
  video.dispose();
  await session.close();
  return answer;
}
main()
  .catch((error) => ({ code: error.code, message: error.message, isWanGPError: error instanceof WanGPError }))
  .then((answer) => console.log('ANSWER ' + JSON.stringify(answer)));
`;
}

const node = process.execPath;

/** Files and command line of each; `kind` is what the entry is written in and what comes out. Resolves with the output. */
export const BUNDLERS = {
  esbuild: (folder, kind, external) => ({
    command: [
      [
        node,
        path.join('node_modules', 'esbuild', 'bin', 'esbuild'),
        `entry.${kind === 'esm' ? 'mjs' : 'cjs'}`,
        '--bundle',
        '--platform=node',
        `--format=${kind}`,
        `--outfile=out/bundle.${kind === 'esm' ? 'mjs' : 'cjs'}`,
        ...(external ? ['--external:wangp-node'] : []),
      ],
    ],
    output: `out/bundle.${kind === 'esm' ? 'mjs' : 'cjs'}`,
  }),

  webpack: (folder, kind, external) => {
    const isModule = kind === 'esm';
    const output = `out/bundle.${isModule ? 'mjs' : 'cjs'}`;
    const externals = isModule ? { 'wangp-node': 'module wangp-node' } : { 'wangp-node': 'commonjs wangp-node' };
    const config = {
      mode: 'production',
      target: 'node20',
      entry: `./entry.${isModule ? 'mjs' : 'cjs'}`,
      context: folder,
      output: {
        path: path.join(folder, 'out'),
        filename: path.basename(output),
        ...(isModule ? { module: true, chunkFormat: 'module', library: { type: 'module' } } : {}),
      },
      ...(isModule ? { experiments: { outputModule: true } } : {}),
      ...(external ? { externals } : {}),
    };
    writeFileSync(
      path.join(folder, 'build.cjs'),
      `require('webpack')(${JSON.stringify(config)}, (error, stats) => {
        const text = error ? String(error) : stats.toString();
        console.log(text);
        process.exitCode = error || stats.hasErrors() || stats.hasWarnings() ? 1 : 0;
      });`,
    );
    return { command: [[node, 'build.cjs']], output };
  },

  rollup: (folder, kind, external) => {
    const output = `out/bundle.${kind === 'esm' ? 'mjs' : 'cjs'}`;
    // Plain rollup bundles ES modules; what comes out may be CommonJS.
    writeFileSync(path.join(folder, 'entry.mjs'), entry('esm'));
    writeFileSync(
      path.join(folder, 'rollup.config.mjs'),
      `import { nodeResolve } from '@rollup/plugin-node-resolve';
      import commonjs from '@rollup/plugin-commonjs';
      export default {
        input: 'entry.mjs',
        output: { file: '${output}', format: '${kind}' },
        plugins: [nodeResolve({ preferBuiltins: true }), commonjs()],
        ${external ? "external: ['wangp-node']," : ''}
      };`,
    );
    return { command: [[node, path.join('node_modules', 'rollup', 'dist', 'bin', 'rollup'), '-c']], output };
  },

  vite: (folder, kind, external) => {
    const name = `bundle.${kind === 'esm' ? 'mjs' : 'cjs'}`;
    writeFileSync(path.join(folder, 'entry.mjs'), entry('esm'));
    // Vite leaves packages out by itself; a project that says noExternal takes all in.
    writeFileSync(
      path.join(folder, 'vite.config.mjs'),
      `export default {
        ssr: { noExternal: true, ${external ? "external: ['wangp-node']" : ''} },
        build: { ssr: 'entry.mjs', outDir: 'out', rollupOptions: { output: { format: '${kind}', entryFileNames: '${name}' } } },
      };`,
    );
    return { command: [[node, path.join('node_modules', 'vite', 'bin', 'vite.js'), 'build']], output: `out/${name}` };
  },
};

/** A Next.js project with one route; its answer is what the program above prints. */
export function writeNext(folder, mkdir, external) {
  mkdir(path.join(folder, 'app', 'generate'), { recursive: true });
  writeFileSync(
    path.join(folder, 'app', 'layout.js'),
    'export default function Layout({ children }) { return <html><body>{children}</body></html>; }\n',
  );
  writeFileSync(path.join(folder, 'app', 'page.js'), 'export default function Page() { return <p>A page</p>; }\n');
  writeFileSync(
    path.join(folder, 'app', 'generate', 'route.js'),
    `${entry('esm').replace(/main\(\)\n[^]*$/, '')}
export const dynamic = 'force-dynamic';
export async function GET() {
  const answer = await main().catch((error) => ({
    code: error.code, message: error.message, isWanGPError: error instanceof WanGPError,
  }));
  return Response.json(answer);
}
`,
  );
  writeFileSync(
    path.join(folder, 'next.config.mjs'),
    `export default { ${external ? "serverExternalPackages: ['wangp-node']" : ''} };\n`,
  );
}
