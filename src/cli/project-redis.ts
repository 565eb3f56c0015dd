import { modeOf } from '../redis/address.js';
import { findRunning, joinOrStart, stopRunning } from '../embedded/embedded.js';
import { install } from '../embedded/install.js';
import { projectAt } from '../embedded/project.js';
import { handshake } from '../redis/handshake.js';
import { type Discovery, discover } from '../redis/discover.js';
import { print } from './output.js';

export async function installServer(): Promise<void> {
  const { name, version, binary } = await install();
  print(`${name} ${version} is ready at ${binary}; projects without another Redis use it now`);
}

export async function startServer(): Promise<void> {
  const mode = modeOf(process.env);
  const kinds = mode === 'native' || mode === 'js' ? [mode] : (['native', 'js'] as const);
  const { socket } = await joinOrStart(projectAt(process.cwd(), process.env), kinds, process.env);
  const found = await handshake({ path: socket });
  const { name, pid } = found;
  print(
    `${titleOf(found)} is running${name === 'js-redis-server' ? ', in memory only' : ''} (pid ${pid ?? 'unknown'})\nREDIS_URL=unix://${socket}`,
  );
}

export async function stopServer(): Promise<void> {
  const project = projectAt(process.cwd(), process.env);
  const hasStopped = await stopRunning(project, await pidOfRunning());
  print(hasStopped ? 'stopped' : 'no server is running for this project');

  /** `undefined` if it does not answer: then `stopRunning` uses the pid that was noted at its start. */
  async function pidOfRunning(): Promise<number | undefined> {
    try {
      const running = await findRunning(project);
      return running && (await handshake({ path: running.socket })).pid;
    } catch {
      return undefined;
    }
  }
}

export async function printStatus({ json = false }: { json?: boolean }): Promise<void> {
  const found = await discover(process.env, process.cwd());
  print(json ? JSON.stringify(asJson(found), undefined, 2) : asText(found));
  if (found.source === 'none') process.exitCode = 1;
}

function asJson({ source, server, start, project, url }: Discovery): object {
  return {
    source,
    server: server ?? null,
    start: start ?? null,
    project: project.root,
    dataDir: project.dataDir,
    url: url ?? null,
  };
}

function asText(found: Discovery): string {
  const { source, server, start, project, url } = found;
  if (server !== undefined) {
    return lines({
      uses: `${titleOf(server)} at ${server.label}, ${chosenBy[source as keyof typeof chosenBy]}`,
      pid: server.pid,
      data: source === 'embedded' ? dataOf(found) : undefined,
      url,
    });
  }
  if (start === undefined)
    return 'uses  none: no server is running, and NODE_ENV or HOTQUEUE_REDIS does not allow to start one; set REDIS_URL';
  return lines({
    uses: `would start ${titleOf(start)} for ${project.root}`,
    data: start.kind === 'js' ? 'in memory only; run "hotqueue redis install" to get a real server' : project.dataDir,
  });
}

const chosenBy = {
  option: 'set by an option',
  environment: 'set by the environment',
  local: 'the Redis of this machine',
  embedded: 'the Redis of this project',
};

const titleOf = ({ name, version }: { name: string; version?: string | undefined }): string =>
  version === undefined ? name : `${name} ${version}`;
const dataOf = ({ server, project }: Discovery): string =>
  server?.name === 'js-redis-server' ? 'in memory only' : project.dataDir;

function lines({
  url,
  ...rows
}: {
  uses: string;
  pid?: number | undefined;
  data?: string | undefined;
  url?: string | undefined;
}): string {
  const shown = Object.entries(rows).filter(([, value]) => value !== undefined);
  return [
    ...shown.map(([name, value]) => `${name.padEnd(6)}${String(value).trim()}`),
    ...(url === undefined ? [] : [`REDIS_URL=${url}`]),
  ].join('\n');
}
