import { execFile } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  realpathSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import { HotQueueError } from '../core/errors.js';
import { cacheDir, librariesIn, serverDir } from './installed.js';
import { asProgram, installedProgram, type Program } from './native.js';

const run = promisify(execFile);

/** The server could not be installed. The message says what to do instead. */
export class InstallFailedError extends HotQueueError {
  readonly code = 'INSTALL_FAILED';
}

/** Packages that contain a server, the freely licensed one first. In both, the server is the same file as a checker program. */
const offers = [
  { tools: 'valkey-tools', checker: 'valkey-check-rdb', server: 'valkey-server' },
  { tools: 'redis-tools', checker: 'redis-check-rdb', server: 'redis-server' },
] as const;
type Offer = (typeof offers)[number];

/** Most rounds of downloads for libraries and the libraries that these need. In practice, nothing is missing in the third round. */
const mostRounds = 5;

/**
 * Downloads a native server for this user and unpacks it in the cache. It needs no root and installs nothing in the system.
 *
 * It works on Debian and Ubuntu, with the signed package sources of the machine. It takes seconds and downloads about 10 MB.
 * It replaces an earlier download. A running server keeps running.
 *
 * @throws InstallFailedError on other systems, or if the download fails; the message says what to do
 */
export async function install(env: NodeJS.ProcessEnv = process.env): Promise<Program> {
  await checkTools();
  const cache = cacheDir(env);
  mkdirSync(cache, { recursive: true, mode: 0o700 });
  // Unpacks in a temporary directory and renames it at the end, so concurrent or aborted installations break nothing.
  const workDir = mkdtempSync(path.join(cache, 'install-'));
  try {
    await unpackServer(new Apt(workDir), workDir);
    replace(workDir, serverDir(env));
    const program = await installedProgram(env);
    if (program === undefined)
      throw new InstallFailedError(`the server in ${serverDir(env)} does not run: ${otherWay()}`);
    return program;
  } finally {
    rmSync(workDir, { recursive: true, force: true });
  }
}

async function checkTools(): Promise<void> {
  try {
    for (const tool of ['apt-get', 'dpkg', 'ldd']) await run(tool, ['--version']);
  } catch (cause) {
    throw new InstallFailedError(
      `a server can be installed without root only on Debian and Ubuntu. On this machine, ${otherWay()}`,
      { cause },
    );
  }
}

function otherWay(): string {
  if (process.platform === 'darwin') return 'run "brew install valkey"';
  if (process.platform === 'win32') return 'use WSL, or run "docker run -p 127.0.0.1:6379:6379 valkey/valkey"';
  return 'install the valkey or redis package of your system (apk add valkey, dnf install valkey, pacman -S valkey)';
}

/** Runs apt with its lists and cache in a separate directory. So it needs no root, and no current package lists on the machine. */
class Apt {
  private readonly options: string[];
  readonly packages: string;

  constructor(dir: string) {
    const lists = path.join(dir, 'lists');
    const cache = path.join(dir, 'cache');
    this.packages = path.join(dir, 'packages');
    for (const each of [path.join(lists, 'partial'), path.join(cache, 'archives', 'partial'), this.packages]) {
      mkdirSync(each, { recursive: true });
    }
    const settings = [
      `Dir::State::lists=${lists}`,
      `Dir::Cache=${cache}`,
      'Debug::NoLocking=1',
      'Acquire::Retries=1',
      'Acquire::http::Timeout=20',
    ];
    this.options = settings.flatMap((setting) => ['-o', setting]);
  }

  async update(): Promise<void> {
    await this.get(['update'], 'cannot read the package lists');
  }

  async download(names: readonly string[]): Promise<void> {
    await this.get(['download', ...names], `cannot download ${names.join(' ')}`);
  }

  /** Names of the packages that `name` depends on. */
  async dependencies(name: string): Promise<string[]> {
    const { stdout } = await run('apt-cache', [...this.options, 'depends', '--important', name]);
    return [...stdout.matchAll(/^\s*\|?(?:Pre)?Depends: ([a-z0-9][a-z0-9+.-]*)/gm)].map((match) => match[1] ?? '');
  }

  private async get(words: string[], trouble: string): Promise<void> {
    try {
      await run('apt-get', [...this.options, ...words], { cwd: this.packages, timeout: 180_000, maxBuffer: 2 ** 26 });
    } catch (cause) {
      const said =
        String((cause as { stderr?: unknown }).stderr ?? cause)
          .trim()
          .split('\n')
          .at(-1) ?? '';
      throw new InstallFailedError(`${trouble}: ${said}`, { cause });
    }
  }
}

async function unpackServer(apt: Apt, workDir: string): Promise<void> {
  await apt.update();
  const offer = await downloadOffer(apt);
  const root = path.join(workDir, 'root');
  await unpack(apt, root);
  const binary = path.join(root, 'usr', 'bin', offer.server);
  // The checker and the server are one program. It acts as the server if it is called under the server's name.
  symlinkSync(path.basename(realpathSync(path.join(root, 'usr', 'bin', offer.checker))), binary);
  const libraries = await completeLibraries(apt, offer, binary, root);
  const program = await asProgram(binary, librariesIn(libraries));
  if (program === undefined)
    throw new InstallFailedError(
      `package ${offer.tools} of this system has no server of version 6.2 or newer: ${otherWay()}`,
    );
  const relative = (file: string): string => path.relative(workDir, file); // so that the cache can be moved
  writeFileSync(
    path.join(workDir, 'installed.json'),
    JSON.stringify({ binary: relative(binary), libraries: libraries.map(relative) }),
  );
}

async function downloadOffer(apt: Apt): Promise<Offer> {
  let trouble: unknown;
  for (const offer of offers) {
    try {
      await apt.download([offer.tools]);
      return offer;
    } catch (error) {
      trouble = error;
    }
  }
  throw trouble;
}

async function unpack(apt: Apt, root: string): Promise<void> {
  for (const file of readdirSync(apt.packages)) {
    await run('dpkg', ['-x', path.join(apt.packages, file), root]);
    rmSync(path.join(apt.packages, file));
  }
}

/** Downloads dependencies, and then their dependencies, until the program finds every library. */
async function completeLibraries(apt: Apt, offer: Offer, binary: string, root: string): Promise<string[]> {
  let nearest: string[] = [offer.tools];
  const known = new Set<string>([...nearest, 'libc6']); // with a C library that is not the machine's, the program does not start
  for (let round = 0; round < mostRounds; round++) {
    const libraries = libraryDirs(root);
    const { stdout } = await run('ldd', [binary], { env: { ...process.env, ...librariesIn(libraries) } });
    if (!stdout.includes('not found')) return libraries;
    const wanted = await Promise.all(nearest.map((name) => apt.dependencies(name)));
    nearest = [...new Set(wanted.flat())].filter((name) => /^(lib|lua)/.test(name) && !known.has(name));
    if (nearest.length === 0) break;
    nearest.forEach((name) => known.add(name));
    await apt.download(nearest);
    await unpack(apt, root);
  }
  throw new InstallFailedError(`cannot find all libraries of package ${offer.tools}: ${otherWay()}`);
}

/** Existing library directories, such as `root/usr/lib/x86_64-linux-gnu` and `root/lib/x86_64-linux-gnu`. */
function libraryDirs(root: string): string[] {
  return [path.join(root, 'usr', 'lib'), path.join(root, 'lib')].flatMap((lib) =>
    (existsSync(lib) ? readdirSync(lib) : [])
      .filter((name) => name.includes('-linux-'))
      .map((triplet) => path.join(lib, triplet)),
  );
}

function replace(workDir: string, place: string): void {
  const old = `${place}.old-${process.pid}`;
  for (const rest of ['lists', 'cache', 'packages']) rmSync(path.join(workDir, rest), { recursive: true, force: true });
  try {
    renameSync(place, old);
  } catch {
    // This is the first installation.
  }
  renameSync(workDir, place);
  rmSync(old, { recursive: true, force: true });
}
