import { createHash } from 'node:crypto';
import { closeSync, fstatSync, openSync, readdirSync, readSync, statSync, writeSync } from 'node:fs';
import path from 'node:path';

/** Payload of a test message: its unique key, and what its handler does. */
export interface Load {
  /** Unique among all messages of a run. */
  readonly key: string;
  /** How long its handler runs, in ms. */
  readonly ms: number;
  /** What its handler does, see `handler.ts`; `ok` by default. */
  readonly does?: string;
  readonly pad?: string;
}

/** One line of a history. `t` is in ms, from the monotonic clock that all processes of the machine share. */
export interface Entry {
  readonly t: number;
  readonly wall: number;
  readonly proc: string;
  readonly f: string;
  readonly type?: 'invoke' | 'ok' | 'info' | 'fail';
  readonly jobs?: readonly (readonly [key: string, sum: string])[];
  readonly ids?: readonly string[];
  readonly key?: string;
  readonly sum?: string;
  readonly id?: string;
  readonly attempt?: number;
  readonly due?: number;
  readonly kind?: string;
  readonly target?: string;
  readonly text?: string;
}

export const nowMs = (): number => Number(process.hrtime.bigint() / 1_000n) / 1_000;

export function sumOf(load: Load): string {
  return createHash('sha1')
    .update(JSON.stringify([load.key, load.ms, load.does ?? '', load.pad ?? '']))
    .digest('hex')
    .slice(0, 12);
}

/** History of one process. It writes the line of a step before the step goes on, so a SIGKILL loses no line. */
export class History {
  readonly #file: number;

  constructor(
    folder: string,
    readonly proc: string,
  ) {
    this.#file = openSync(path.join(folder, `${proc}.ndjson`), 'a');
  }

  write(f: string, fields: Omit<Partial<Entry>, 't' | 'wall' | 'proc' | 'f'> | object = {}): void {
    writeSync(this.#file, `${JSON.stringify({ t: nowMs(), wall: Date.now(), proc: this.proc, f, ...fields })}\n`);
  }

  close(): void {
    closeSync(this.#file);
  }
}

/** Reads the histories of all processes. Each `look()` reads only new lines. */
export class Reader {
  readonly entries: Entry[] = [];
  readonly #offsets = new Map<string, number>();
  readonly #counts = new Map<string, number>();

  constructor(private readonly folder: string) {}

  /** Number of lines of one kind, from one process or from all. */
  count(f: string, proc = ''): number {
    this.look();
    return this.#counts.get(`${f} ${proc}`) ?? 0;
  }

  look(): Entry[] {
    for (const file of readdirSync(this.folder)) if (file.endsWith('.ndjson')) this.#read(path.join(this.folder, file));
    return this.entries;
  }

  /** All entries, ordered by time. */
  sorted(): Entry[] {
    return [...this.look()].sort((a, b) => a.t - b.t);
  }

  /** Reads the complete new lines of a file. It leaves an incomplete last line for later: it is still being written, or a SIGKILL cut it. */
  #read(file: string): void {
    const offset = this.#offsets.get(file) ?? 0;
    if (statSync(file).size <= offset) return;
    const bytes = readFrom(file, offset);
    const end = bytes.lastIndexOf(10) + 1;
    this.#offsets.set(file, offset + end);
    for (const line of bytes.toString('utf8', 0, end).split('\n')) {
      if (line === '') continue;
      const entry = JSON.parse(line) as Entry;
      this.entries.push(entry);
      for (const name of [`${entry.f} `, `${entry.f} ${entry.proc}`])
        this.#counts.set(name, (this.#counts.get(name) ?? 0) + 1);
    }
  }
}

function readFrom(file: string, offset: number): Buffer {
  const fd = openSync(file, 'r');
  try {
    const bytes = Buffer.alloc(fstatSync(fd).size - offset);
    return bytes.subarray(0, readSync(fd, bytes, 0, bytes.length, offset));
  } finally {
    closeSync(fd);
  }
}
