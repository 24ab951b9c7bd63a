/**
 * What keeps an object from being posted to a Worker: a property with this value. `postMessage()` and
 * `structuredClone()` copy an object's own enumerable properties and nothing else, so that a husk without methods and
 * memory would arrive. A symbol is refused by them, and their DataCloneError shows its text: "Symbol(…) could not be
 * cloned". JSON and `util.inspect` leave it out, and comparisons find it equal.
 *
 * `what` says what the object is, and what to post instead.
 */
export function uncloneable(what: string): symbol {
  return Symbol(what);
}
