import { describe, invalid, isObject } from './options';

const KINDS = {
  string: ['a string', (value: unknown) => typeof value === 'string'],
  names: [
    'a string or an array of strings',
    (value: unknown) => [value].flat().every((item) => typeof item === 'string'),
  ],
  boolean: ['true or false', (value: unknown) => typeof value === 'boolean'],
  integer: ['a whole number', (value: unknown) => Number.isSafeInteger(value)],
  number: ['a number', (value: unknown) => Number.isFinite(value)],
  file: [
    'a path or a file: URL',
    (value: unknown) => (typeof value === 'string' && value !== '') || value instanceof URL,
  ],
  object: ['an object', isObject],
} as const;

/** Options of a method: each one's name in Python, and what it may be. */
export type KeywordTable = Readonly<Record<string, readonly [theirs: string, kind: keyof typeof KINDS]>>;

/**
 * Python's keyword arguments for `options`; what is undefined is left out. Throws `ERR_WANGP_ARGUMENT` for wrong types
 * and unknown names: a misspelt one would otherwise be ignored. `name` is what the caller calls the options.
 */
export function toKeywords(options: object, table: KeywordTable, name: string): Record<string, unknown> {
  if (!isObject(options)) throw invalid(`${name} must be an object, not ${describe(options)}`);
  const keywords: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(options) as [string, unknown][]) {
    const entry = Object.hasOwn(table, key) ? table[key] : undefined;
    if (entry === undefined) {
      const ours = Object.keys(table).find((each) => table[each]?.[0] === key);
      const known = ours === undefined ? `there are ${Object.keys(table).join(', ')}` : `here it is called ${ours}`;
      throw invalid(`${name} may not have ${JSON.stringify(key)}: ${known}`);
    }
    const [theirs, kind] = entry;
    const [expected, fits] = KINDS[kind];
    if (value === undefined) continue;
    if (!fits(value)) throw invalid(`${key} must be ${expected}, not ${describe(value)}`);
    keywords[theirs] = value;
  }
  return keywords;
}
