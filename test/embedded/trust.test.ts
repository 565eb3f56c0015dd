import { chmodSync, chownSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { findRunning, joinOrStart } from '../../src/embedded/embedded.js';
import { projectAt, type Project } from '../../src/embedded/project.js';
import { aProject } from '../support/project.js';

vi.setConfig({ testTimeout: 60_000 });

const isRoot = process.getuid?.() === 0;
const otherUser = 12_345;

/** A project with the directories of a server, its victim, and what another user could place. */
function aPlace() {
  const { dir, env } = aProject();
  const project = projectAt(dir, env);
  const elsewhere = path.join(path.dirname(dir), 'elsewhere');
  mkdirSync(elsewhere);
  mkdirSync(project.dataDir, { recursive: true, mode: 0o700 });
  mkdirSync(path.dirname(project.socket), { recursive: true, mode: 0o700 });
  const data = (name: string): string => path.join(project.dataDir, name);
  const record = JSON.stringify({ pid: process.pid, kind: 'native', socket: path.join(elsewhere, 'sock') });
  // Before the project stops its server, which refuses such a place too.
  onTestFinished(() => {
    chmodSync(dir, 0o755);
    for (const each of [path.join(dir, '.hotqueue'), path.dirname(project.socket)])
      rmSync(each, { recursive: true, force: true });
  });
  return { dir, env, project, elsewhere, data, record };
}

type Place = ReturnType<typeof aPlace>;

const replaceByLink = (target: string, link: string): void => {
  rmSync(link, { recursive: true, force: true });
  symlinkSync(target, link);
};

const traps: Record<string, (place: Place) => void> = {
  '.hotqueue is a link': ({ dir, elsewhere }) => replaceByLink(elsewhere, path.join(dir, '.hotqueue')),
  'the data directory is a link': ({ project, elsewhere }) => replaceByLink(elsewhere, project.dataDir),
  'the directory of the socket is a link': ({ project, elsewhere }) =>
    replaceByLink(elsewhere, path.dirname(project.socket)),
  'the socket is a link': ({ project, elsewhere }) => replaceByLink(elsewhere, project.socket),
  'the record is a link': ({ data, elsewhere, record }) => {
    writeFileSync(path.join(elsewhere, 'record'), record);
    symlinkSync(path.join(elsewhere, 'record'), data('server.json'));
  },
  'the lock is a link': ({ data, elsewhere }) => symlinkSync(path.join(elsewhere, 'lock'), data('start.lock')),
  'the log is a link': ({ data, elsewhere }) => {
    writeFileSync(path.join(elsewhere, 'victim'), 'before');
    symlinkSync(path.join(elsewhere, 'victim'), data('engine.log'));
  },
  'others may write to .hotqueue': ({ dir }) => chmodSync(path.join(dir, '.hotqueue'), 0o777),
  'others may write to the data directory': ({ project }) => chmodSync(project.dataDir, 0o703),
  'others may write to the record': ({ data, record }) => {
    writeFileSync(data('server.json'), record);
    chmodSync(data('server.json'), 0o666);
  },
  'others may write to the project': ({ dir }) => chmodSync(dir, 0o1777),
};

/** Only root can give files to another user. */
const foreign: Record<string, (place: Place) => string> = {
  '.hotqueue': ({ dir }) => path.join(dir, '.hotqueue'),
  'the data directory': ({ project }) => project.dataDir,
  'the directory of the socket': ({ project }) => path.dirname(project.socket),
  'the record': ({ data, record }) => {
    writeFileSync(data('server.json'), record, { mode: 0o600 });
    return data('server.json');
  },
  'the lock': ({ data }) => {
    writeFileSync(data('start.lock'), '1 elsewhere', { mode: 0o600 });
    return data('start.lock');
  },
  'the log': ({ data }) => {
    writeFileSync(data('engine.log'), '', { mode: 0o600 });
    return data('engine.log');
  },
};

const start = (project: Project, env: NodeJS.ProcessEnv): Promise<unknown> => joinOrStart(project, ['js'], env);

describe('what another user may have placed is not believed', () => {
  it.each(Object.entries(traps))('%s', async (_, place) => {
    const arranged = aPlace();
    place(arranged);
    await expect(start(arranged.project, arranged.env)).rejects.toMatchObject({
      code: 'REDIS_UNREACHABLE',
      message: expect.stringMatching(/it is a link|it is no |other users may/) as string,
    });
  });

  it.runIf(isRoot).each(Object.entries(foreign))('%s belongs to another user', async (_, place) => {
    const arranged = aPlace();
    chownSync(place(arranged), otherUser, otherUser);
    await expect(start(arranged.project, arranged.env)).rejects.toThrow(`belongs to another user (uid ${otherUser})`);
  });

  it('a link in place of the log is not written through', async () => {
    const arranged = aPlace();
    traps['the log is a link']!(arranged);
    await start(arranged.project, arranged.env).catch(() => undefined);
    expect(readFileSync(path.join(arranged.elsewhere, 'victim'), 'utf8')).toBe('before');
  });

  it('a record in such a place is not followed by a search either', async () => {
    const arranged = aPlace();
    traps['the record is a link']!(arranged);
    await expect(findRunning(arranged.project)).rejects.toThrow('it is a link');
  });
});

describe('the root of a project', () => {
  const below = (mode: number): { root: string; cwd: string; above: string } => {
    const { dir, env } = aProject();
    const cwd = path.join(dir, 'mine');
    mkdirSync(cwd);
    chmodSync(dir, mode);
    onTestFinished(() => chmodSync(dir, 0o755));
    return { root: projectAt(cwd, env).root, cwd, above: dir };
  };

  it.each([0o755, 0o700, 0o775, 0o750])('is a directory above with mode %o, in which only this user writes', (mode) => {
    const { root, above } = below(mode);
    expect(root).toBe(above);
  });

  it.each([0o777, 0o1777, 0o757])('is no directory above with mode %o, in which others may write', (mode) => {
    const { root, cwd } = below(mode);
    expect(root).toBe(cwd);
  });
});
