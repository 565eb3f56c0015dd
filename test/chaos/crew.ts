import { setTimeout as pause } from 'node:timers/promises';
import type { OwnChild } from './children.js';
import type { World } from './world.js';

/** Some processes of one kind, which a scenario ends and replaces. */
export class Crew {
  readonly #children: { proc: string; child: OwnChild }[] = [];
  #started = 0;

  /** @param start starts a process. `index` counts all that were started */
  constructor(
    private readonly world: World,
    size: number,
    private readonly start: (index: number) => { proc: string; child: OwnChild },
  ) {
    for (let count = 0; count < size; count += 1) this.#add();
  }

  /** Ends one process with SIGKILL, and starts another one. */
  async replaceOne(): Promise<void> {
    const at = this.world.dice.whole(0, this.#children.length - 1);
    const [{ proc, child }] = this.#children.splice(at, 1) as [{ proc: string; child: OwnChild }];
    await child.kill();
    this.world.fault('kill', { target: proc });
    this.#add();
  }

  /** {@link replaceOne} again and again. @param rounds how often @param between shortest and longest pause before each, ms */
  async replaceInTurn(rounds: { short: number; long: number }, between: readonly [number, number]): Promise<void> {
    for (let left = this.world.isLong ? rounds.long : rounds.short; left > 0; left -= 1) {
      await pause(this.world.dice.whole(...between));
      await this.replaceOne();
    }
  }

  /** Ends all processes with SIGKILL. */
  async end(): Promise<void> {
    for (const { proc, child } of this.#children.splice(0)) {
      await child.kill();
      this.world.fault('kill', { target: proc });
    }
  }

  #add(): void {
    this.#children.push(this.start(this.#started));
    this.#started += 1;
  }
}
