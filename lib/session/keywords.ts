import { checkOptions, describe, invalid, isGiven, isObject } from '../validate';

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
 * Python's keyword arguments for `options`; what is undefined or null is left out. Throws `ERR_WANGP_ARGUMENT` for wrong
 * types and unknown names: a misspelt one would otherwise be ignored. `taker` is the method that takes the options;
 * `further` are those of its names that are no keyword in Python.
 */
export function toKeywords(
  options: object | null | undefined,
  table: KeywordTable,
  taker: string,
  further: readonly string[] = [],
): Record<string, unknown> {
  const given: Readonly<Record<string, unknown>> = checkOptions(
    options as Readonly<Record<string, unknown>> | null | undefined,
    [...Object.keys(table), ...further],
    taker,
  );
  const keywords: Record<string, unknown> = {};
  for (const [key, [theirs, kind]] of Object.entries(table)) {
    const value = given[key];
    if (!isGiven(value)) continue;
    const [expected, fits] = KINDS[kind];
    if (!fits(value)) throw invalid(`${key} must be ${expected}, not ${describe(value)}`);
    keywords[theirs] = value;
  }
  return keywords;
}
