import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

/** `npm run build` puts the page beside the compiled server. From the sources, the server uses the last build. */
const folders = ['./assets/', '../../dist/dashboard/assets/'].map((folder) =>
  fileURLToPath(new URL(folder, import.meta.url)),
);

const types: Readonly<Record<string, string>> = {
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
};

const read = new Map<string, Buffer>();

/** A file of the page and its content type; `undefined` if there is none with this name. */
export function asset(name: string): { readonly body: Buffer; readonly type: string } | undefined {
  const type = types[path.extname(name)];
  if (!type || !/^[\w-]+\.\w+$/.test(name)) return undefined;
  const body = contentOf(name);
  return body && { body, type };
}

/** The page, with the address of its files. */
export function page(basePath: string): string | undefined {
  return contentOf('index.html')?.toString('utf8').replaceAll('="./', `="${basePath}/assets/`);
}

function contentOf(name: string): Buffer | undefined {
  const known = read.get(name);
  if (known) return known;
  const file = folders.map((folder) => path.join(folder, name)).find((one) => existsSync(one));
  if (file === undefined) return undefined;
  const body = readFileSync(file);
  read.set(name, body);
  return body;
}
