import { inspect, type InspectOptions } from 'node:util';

/** What `util.inspect` shows of an object whose state is private: the fields that a person wants to see. */
export function show(name: string, fields: object, depth: number, options: InspectOptions): string {
  if (depth < 0) return `[${name}]`;
  const left = typeof options.depth === 'number' ? options.depth - 1 : options.depth;
  return `${name} ${inspect(fields, { ...options, depth: left })}`;
}
