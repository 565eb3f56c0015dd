import { existsSync, readdirSync } from 'node:fs';

/** Path of libfaketime, which gives a process another clock; `undefined` if it is not installed (`apt-get install libfaketime`). */
export function libfaketime(): string | undefined {
  const folders = ['/usr/lib', '/usr/local/lib', '/usr/lib64', ...subfolders('/usr/lib')].flatMap((folder) => [
    folder,
    `${folder}/faketime`,
  ]);
  return folders.map((folder) => `${folder}/libfaketimeMT.so.1`).find((file) => existsSync(file));
}

function subfolders(folder: string): string[] {
  return readdirSync(folder)
    .filter((name) => name.endsWith('-linux-gnu') || name.includes('linux-gnu'))
    .map((name) => `${folder}/${name}`);
}

/** Environment of a process whose clock is wrong by some hours. Its monotonic clock is right. */
export function wrongClock(library: string, hours: number): NodeJS.ProcessEnv {
  if (hours === 0) return {};
  return {
    LD_PRELOAD: library,
    FAKETIME: `${hours > 0 ? '+' : ''}${hours}h`,
    DONT_FAKE_MONOTONIC: '1',
    FAKETIME_DONT_FAKE_MONOTONIC: '1',
  };
}
