import type { Connection } from './connection.js';
import type { Keys } from './keys.js';
import { layout1Field } from './layouts.js';
import { tenSeconds } from './reading.js';

/** Keys for each command of a scan. */
const pageSize = 1_000;

/** Reads what is wrong with the keys of a queue, for `hotqueue doctor`. It changes nothing. {@link Reader} reads everything else. */
export class Audit {
  constructor(
    private readonly connection: Connection,
    private readonly keys: Keys,
  ) {}

  /** Redis type of the base key: `list`, `none`, or that of another program. */
  baseType(): Promise<string> {
    return this.connection.call((client) => client.type(this.keys.base), tenSeconds);
  }

  /** How many delayed messages were due before this time, server time in Unix ms. */
  overdue(before: number): Promise<number> {
    return this.connection.call((client) => client.zcount(this.keys.delayed, '-inf', before), tenSeconds);
  }

  /** How many more delayed messages than due times there are; below 0: fewer. */
  delayedSurplus(): Promise<number> {
    return this.#surplus(this.keys.delayedMessages, this.keys.delayed);
  }

  /** How many more dead letters than burial times there are; below 0: fewer. */
  deadSurplus(): Promise<number> {
    return this.#surplus(this.keys.deadMessages, this.keys.dead);
  }

  /** Whether a worker has claims in layout 1, which this version cannot read. */
  async isInLayout1(worker: string): Promise<boolean> {
    const fields = await this.connection.call((client) => client.hkeys(this.keys.claims(worker)), tenSeconds);
    return fields.some((field) => layout1Field.test(field));
  }

  /** Workers with claims, by queue with this prefix, found by scanning the keys. @param most keys to scan */
  async workersWithClaims(most: number): Promise<Map<string, string[]>> {
    const found = new Map<string, string[]>();
    const form = /^\{(.+)\}:claims:(.+)$/;
    const pattern = `{${this.keys.names}:*}:claims:*`;
    for (let cursor = '0', scanned = 0; scanned < most; scanned += pageSize) {
      const [next, page] = await this.connection.call(
        (client) => client.scan(cursor, 'MATCH', pattern, 'COUNT', pageSize),
        tenSeconds,
      );
      for (const key of page) {
        const [, base = '', worker = ''] = form.exec(key) ?? [];
        const name = base.slice(this.keys.names.length + 1);
        found.set(name, [...new Set([...(found.get(name) ?? []), worker])]);
      }
      cursor = next;
      if (cursor === '0') break;
    }
    return found;
  }

  /** Reads both sizes in one transaction: a message that comes between two commands would look like an error. */
  async #surplus(hash: string, order: string): Promise<number> {
    const replies = await this.connection.call((client) => client.multi().hlen(hash).zcard(order).exec(), tenSeconds);
    const [messages = 0, places = 0] = (replies ?? []).map(([, reply]) => Number(reply));
    return messages - places;
  }
}
