// Copies the JavaScript engine into dist, and changes its imports to the copies. As a dependency, the engine would install a
// second ioredis: it has version 5 as a peer dependency, but the parts that we use need no client.
import { createRequire } from 'node:module';
import { copyFileSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';

const embedded = 'dist/embedded';
const vendor = path.join(embedded, 'vendor');
const engine = path.dirname(path.dirname(createRequire(import.meta.url).resolve('js-redis-server')));
const near = createRequire(path.join(engine, 'package.json'));
const lua = path.dirname(path.dirname(near.resolve('lua-redis-wasm')));
const slots = path.dirname(path.dirname(near.resolve('cluster-key-slot')));

mkdirSync(vendor, { recursive: true });
copyFileSync(path.join(slots, 'lib/index.js'), path.join(vendor, 'cluster-key-slot.cjs'));
for (const file of ['index.node.mjs', 'redis_lua.mjs', 'redis_lua.wasm']) {
  rewrite(path.join(lua, 'dist', file), path.join(vendor, file), {});
}
rewrite(path.join(engine, 'dist/core.mjs'), path.join(vendor, 'js-redis-server.mjs'), {
  'from "lua-redis-wasm"': 'from "./index.node.mjs"',
  'from "cluster-key-slot"': 'from "./cluster-key-slot.cjs"',
});
for (const file of readdirSync(embedded).filter((name) => /^engine-(listener|commands)\.js$/.test(name))) {
  rewrite(path.join(embedded, file), path.join(embedded, file), {
    "from 'js-redis-server/core'": "from './vendor/js-redis-server.mjs'",
  });
}
writeFileSync(path.join(vendor, 'LICENSES.md'), [engine, lua, slots].map(licences).join('\n'));

/** Copies a file and replaces each key of `words`. Each must be in the file exactly once; if not, a new version has changed. */
function rewrite(from, to, words) {
  if (!/\.m?js$/.test(from)) return copyFileSync(from, to);
  let text = readFileSync(from, 'utf8');
  for (const [old, fresh] of Object.entries(words)) {
    if (text.split(old).length !== 2)
      throw new Error(`vendor-engine: expected ${old} exactly once in ${from}. Adapt this script to the new version`);
    text = text.replace(old, fresh);
  }
  if (!from.startsWith(embedded)) text = text.replace(/^\/\/# sourceMappingURL=.*$/m, '');
  writeFileSync(to, text);
}

function licences(dir) {
  const { name, version, license } = JSON.parse(readFileSync(path.join(dir, 'package.json'), 'utf8'));
  const texts = readdirSync(dir).filter((file) => /^(licen[cs]e|third_party|notice)/i.test(file));
  if (texts.length === 0) throw new Error(`vendor-engine: ${name} has no licence file`);
  return [
    `# ${name} ${version} (${license})\n`,
    ...texts.map((file) => readFileSync(path.join(dir, file), 'utf8')),
  ].join('\n');
}
