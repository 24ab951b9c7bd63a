// A registry on this machine that has wangp-node as it would be published, and sends for everything else to npm's.
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';

const UPSTREAM = process.env.npm_config_registry ?? 'https://registry.npmjs.org/';

/** Serves a tarball; resolves with `{ url, close }`. */
export async function serveRegistry(tgz, manifest) {
  const bytes = readFileSync(tgz);
  const server = createServer((request, response) => {
    const name = decodeURIComponent(request.url.slice(1));
    if (name === 'wangp-node.tgz') return void response.end(bytes);
    if (name !== manifest.name) {
      response.writeHead(302, { location: new URL(request.url.slice(1), UPSTREAM).href });
      return void response.end();
    }
    const dist = {
      tarball: `${url}wangp-node.tgz`,
      shasum: createHash('sha1').update(bytes).digest('hex'),
      integrity: `sha512-${createHash('sha512').update(bytes).digest('base64')}`,
    };
    const version = { ...manifest, _id: `${manifest.name}@${manifest.version}`, dist };
    const packument = {
      _id: manifest.name,
      name: manifest.name,
      'dist-tags': { latest: manifest.version },
      versions: { [manifest.version]: version },
      time: { [manifest.version]: '2026-01-01T00:00:00.000Z' },
    };
    response.writeHead(200, { 'content-type': 'application/json' });
    response.end(JSON.stringify(packument));
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${server.address().port}/`;
  return { url, close: () => server.close() };
}
