import type { Company } from '../redis/broker.js';

/**
 * What this process holds, over all of its queues. A message that killed its worker twice is given its last chance
 * alone: whatever else the process held would be blamed for its death, and be buried with it.
 *
 * `get` and `consume` never wait here: a handler that holds such a message may call them.
 */
export class Hands {
  #held = 0;
  #taking = 0;
  /** Somebody takes, holds, or waits to take alone. */
  #solitude: Gate | undefined;
  #emptied: (() => void)[] = [];

  /** Waits, where it must, until this process may take, and says in what company. Each is followed by one {@link grasp}. */
  reach(): Company | Promise<Company> {
    if (this.#solitude) return this.#solitude.opened.then(() => this.reach());
    this.#taking += 1;
    if (!this.#isEmptyBut(1)) return 'busy';
    this.#solitude = new Gate();
    return 'alone';
  }

  /** As {@link reach}, without waiting. */
  reachAside(): Company {
    this.#taking += 1;
    return this.#solitude || !this.#isEmptyBut(1) ? 'aside' : 'alone';
  }

  /** As {@link reach}, once everything that this process holds is settled. */
  async reachAlone(): Promise<Company> {
    while (this.#solitude) await this.#solitude.opened;
    this.#solitude = new Gate();
    while (!this.#isEmptyBut(0)) await new Promise<void>((resolve) => this.#emptied.push(resolve));
    this.#taking += 1;
    return 'alone';
  }

  /** A take came back. @param isSuspect what it brought is to be held alone */
  grasp(company: Company, count: number, isSuspect: boolean): void {
    this.#taking -= 1;
    this.#held += count;
    if (isSuspect) this.#solitude ??= new Gate();
    else if (company === 'alone') this.#open();
    this.#tell();
  }

  /** A message was settled. */
  letGo(wasSuspect: boolean): void {
    this.#held -= 1;
    if (wasSuspect) this.#open();
    this.#tell();
  }

  /** Whether nothing runs here, that is, whether nothing can keep this process from answering. */
  get areEmpty(): boolean {
    return this.#held === 0;
  }

  /** Whether a message that is to be alone is held here, or about to be taken. */
  get areBound(): boolean {
    return this.#solitude !== undefined;
  }

  /** Messages came that nobody reached for. */
  receive(count: number): void {
    this.#held += count;
  }

  #isEmptyBut(taking: number): boolean {
    return this.#held === 0 && this.#taking === taking;
  }

  #open(): void {
    this.#solitude?.open();
    this.#solitude = undefined;
  }

  #tell(): void {
    if (this.#isEmptyBut(0)) for (const emptied of this.#emptied.splice(0)) emptied();
  }
}

class Gate {
  open!: () => void;
  readonly opened = new Promise<void>((resolve) => (this.open = resolve));
}

/** The process has one pair. */
export const hands = new Hands();
