import { execFile } from 'node:child_process';
import type { Log } from './log.js';

/**
 * Reports to systemd how the service is, if it asks: a unit with `Type=notify` sets NOTIFY_SOCKET, one with `WatchdogSec=` also WATCHDOG_USEC.
 *
 * It runs the program systemd-notify, which each machine with systemd has: Node cannot send to a datagram socket of Unix.
 */
export class SystemdUnit {
  readonly #isAsked = process.env['NOTIFY_SOCKET'] !== undefined && process.env['NOTIFY_SOCKET'] !== '';
  #watchdog: NodeJS.Timeout | undefined;
  #hasWarned = false;

  /** @param isLive whether the watchdog may get its signal of life */
  constructor(
    private readonly log: Log,
    private readonly isLive: () => boolean,
  ) {}

  /** The workers have started. */
  ready(): void {
    this.#notify('READY=1');
    const watchdogMs = Number(process.env['WATCHDOG_USEC']) / 1_000;
    if (!this.#isAsked || !(watchdogMs > 0) || this.#watchdog) return;
    this.#watchdog = setInterval(() => this.isLive() && this.#notify('WATCHDOG=1'), watchdogMs / 2).unref();
  }

  /** The workers take no more messages. */
  stopping(): void {
    this.#notify('STOPPING=1');
  }

  end(): void {
    clearInterval(this.#watchdog);
  }

  #notify(state: string): void {
    if (!this.#isAsked) return;
    execFile('systemd-notify', [`--pid=${process.pid}`, state], (error) => {
      if (!error || this.#hasWarned) return;
      this.#hasWarned = true;
      const message = `systemd waits for notices, and systemd-notify failed (${error.message.trim()}): install it, or use Type=exec without WatchdogSec`;
      this.log('warning', { message }, 'warn');
    });
  }
}
