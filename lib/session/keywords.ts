import { describe, invalid, isGiven, isObject, suggestion } from '../validate';

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
 * Python's keyword arguments for `options`; what is undefined or null is left out. Throws `ERR_WANGP_ARGUMENT` for wrong types
 * and unknown names: a misspelt one would otherwise be ignored. `name` is what the caller calls the options; `further` are
 * those of its names that the caller has taken out already.
 */
export function toKeywords(
  options: object | null | undefined,
  table: KeywordTable,
  name: string,
  further: readonly string[] = [],
): Record<string, unknown> {
  if (!isGiven(options)) return {};
  if (!isObject(options)) throw invalid(`${name} must be an object, not ${describe(options)}`);
  const keywords: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(options) as [string, unknown][]) {
    const entry = Object.hasOwn(table, key) ? table[key] : undefined;
    if (entry === undefined) {
      throw invalid(`${name} may not have ${describe(key)}: ${suggestion(key, [...Object.keys(table), ...further])}`);
    }
    const [theirs, kind] = entry;
    const [expected, fits] = KINDS[kind];
    if (!isGiven(value)) continue;
    if (!fits(value)) throw invalid(`${key} must be ${expected}, not ${describe(value)}`);
    keywords[theirs] = value;
  }
  return keywords;
}
