// Adds the packages of other platforms to package-lock.json. Run it after each "npm install <package>".
//
// npm leaves an optional package out of the lock file when the registry does not show it, as some mirrors hide packages of other
// platforms. "npm ci" then refuses the lock file. The name of such a package says its platform, as in "core-linux-x64-gnu". The
// added entries have no checksum, so npm takes the one of the registry.
import { readFileSync, writeFileSync } from 'node:fs';
import { pathToFileURL } from 'node:url';

const systems =
  /-(aix|android|darwin|freebsd|linux|openharmony|win32)-(arm64|arm|ia32|loong64|ppc64|riscv64|s390x|x64)(?:-(\w+))?$/;
const libraries = { gnu: 'glibc', gnueabihf: 'glibc', musl: 'musl', musleabihf: 'musl' };

/**
 * Optional packages that another package names and the lock file lacks, as `[place, entry]`.
 *
 * @param {Record<string, any>} packages `packages` of a lock file
 */
export function missing(packages) {
  return Object.entries(packages).flatMap(([at, { optionalDependencies = {}, dev }]) =>
    Object.entries(optionalDependencies)
      .filter(([name]) => !folders(at).some((folder) => packages[`${folder}node_modules/${name}`]))
      .map(([name, version]) => [`node_modules/${name}`, entry(name, version, dev)]),
  );
}

/** Where Node looks for a package from here: `a/node_modules/b/`, `a/`, and the root. */
function folders(at) {
  const parts = at.split('/node_modules/');
  return at === '' ? [''] : [...parts.keys()].map((n) => `${parts.slice(0, n + 1).join('/node_modules/')}/`).concat('');
}

function entry(name, version, dev) {
  const [, os, cpu, suffix] = systems.exec(name) ?? [];
  if (os === undefined) throw new Error(`package-lock.json lacks ${name}, and its name does not say its platform`);
  const libc = os === 'linux' ? libraries[suffix] : undefined;
  return {
    version,
    cpu: [cpu],
    ...(dev && { dev }),
    ...(libc && { libc: [libc] }),
    optional: true,
    os: [os],
  };
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) {
  const lock = JSON.parse(readFileSync('package-lock.json', 'utf8'));
  const added = missing(lock.packages);
  const { '': root, ...rest } = { ...lock.packages, ...Object.fromEntries(added) };
  const sorted = Object.entries(rest).sort(([a], [b]) => a.localeCompare(b, 'en'));
  lock.packages = { '': root, ...Object.fromEntries(sorted) };
  writeFileSync('package-lock.json', `${JSON.stringify(lock, undefined, 2)}\n`);
  console.log(added.length === 0 ? 'package-lock.json is complete' : `added ${added.map(([at]) => at).join(', ')}`);
}
