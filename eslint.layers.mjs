// A rule of this repository: lib/ is one column of layers. Imports lead down or sideways, never up and never in a circle.
// Imports of types count, which the usual plugins leave out: a layer that needs a type from above is in the wrong place.
import { readFileSync, statSync } from 'node:fs';
import path from 'node:path';

/** From the top down: folders and files of lib/. */
export const LAYERS = [['cli'], ['index'], ['pool'], ['session'], ['job'], ['memory'], ['runtime'], ['python'], ['validate', 'asar', 'directory', 'errors', 'show', 'uncloneable']]; // prettier-ignore

const IMPORT = /(?:\bfrom|\bimport|\brequire)\s*\(?\s*['"](\.[^'"]*)['"]/g;

function isFile(file) {
  return statSync(file, { throwIfNoEntry: false })?.isFile() ?? false;
}

/** The file that a relative import means; undefined for what is no module of TypeScript's. */
function resolve(from, name) {
  const target = path.resolve(path.dirname(from), name);
  return [target, `${target}.ts`, path.join(target, 'index.ts')].find((file) => file.endsWith('.ts') && isFile(file));
}

function importsOf(file) {
  const names = [...readFileSync(file, 'utf8').matchAll(IMPORT)].map(([, name]) => name);
  return names.map((name) => resolve(file, name)).filter((target) => target !== undefined);
}

/** The way from `start` to `goal` along imports; undefined where there is none. */
function wayTo(goal, start) {
  const cameFrom = new Map([[start, undefined]]);
  for (const file of cameFrom.keys()) {
    if (file === goal) {
      const way = [];
      for (let each = file; each !== undefined; each = cameFrom.get(each)) way.unshift(each);
      return way;
    }
    for (const target of importsOf(file)) if (!cameFrom.has(target)) cameFrom.set(target, file);
  }
  return undefined;
}

const layers = {
  meta: {
    type: 'problem',
    schema: [{ type: 'object', properties: { root: { type: 'string' } }, required: ['root'] }],
    messages: {
      homeless: '{{file}} belongs to no layer: name it in eslint.layers.mjs',
      up: '{{file}} may not import {{target}}, which is a layer above it; types included',
      circle: 'a circle of imports: {{way}}',
    },
  },
  create(context) {
    const [{ root }] = context.options;
    const show = (file) => path.relative(path.dirname(root), file);
    const rank = (file) => {
      const [name] = path.relative(root, file).split(path.sep);
      return LAYERS.findIndex((layer) => layer.includes(name.replace(/\.ts$/, '')));
    };
    const file = context.filename;
    const check = (node) => {
      const name = node?.value;
      const target = typeof name === 'string' && name.startsWith('.') ? resolve(file, name) : undefined;
      if (target === undefined) return;
      if (rank(target) < rank(file)) {
        context.report({ node, messageId: 'up', data: { file: show(file), target: show(target) } });
      }
      const way = wayTo(file, target);
      if (way !== undefined) {
        context.report({ node, messageId: 'circle', data: { way: [file, ...way].map(show).join(' > ') } });
      }
    };
    return {
      Program: (node) => {
        if (rank(file) === -1) context.report({ node, messageId: 'homeless', data: { file: show(file) } });
      },
      ImportDeclaration: ({ source }) => check(source),
      ExportAllDeclaration: ({ source }) => check(source),
      ExportNamedDeclaration: ({ source }) => check(source),
      ImportExpression: ({ source }) => check(source),
      TSImportType: ({ source }) => check(source),
      TSExternalModuleReference: ({ expression }) => check(expression),
    };
  },
};

export default { rules: { layers } };
