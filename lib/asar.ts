/**
 * Where a file of this package lies for those who can't look into an Electron app's archive (`app.asar`): Python, the
 * system that loads a binary, and a plain Node. What a packager leaves unpacked (`asarUnpack`) lies beside the archive,
 * under the same path in `app.asar.unpacked`.
 */

const isElectron = process.versions['electron'] !== undefined;

/**
 * The path beside the archive for a path into one; any other path as it is. Nothing is looked up: the file need not be
 * there.
 *
 * @example
 * besideArchive('/opt/film/resources/app.asar/main.js'); // '/opt/film/resources/app.asar.unpacked/main.js'
 */
export function besideArchive(file: string): string {
  return file.replace(/\.asar(?=[\\/]|$)/i, '$&.unpacked');
}

/** {@link besideArchive} inside Electron. Elsewhere a folder may have any name. */
export function unpacked(file: string): string {
  return isElectron ? besideArchive(file) : file;
}
