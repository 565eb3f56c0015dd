import { HotQueueError } from 'hotqueue';

/**
 * A line of input that is not a message, where each line is one message.
 *
 * The messages before the line are stored, the messages after it are not.
 */
export class InvalidLineError extends HotQueueError {
  readonly code = 'INVALID_LINE';
  /**
   * @param line number of the line, from 1
   * @param stored number of messages before the line, which are stored
   */
  constructor(
    readonly line: number,
    readonly why: string,
    readonly stored = 0,
  ) {
    super(`line ${line}: ${why} (${stored} message(s) before this line are stored, none after it)`);
  }
}

/** `hotqueue worker --health` cannot listen at its address. */
export class HealthAddressError extends HotQueueError {
  readonly code = 'HEALTH_ADDRESS';
  constructor(
    readonly host: string,
    readonly port: number,
    cause: NodeJS.ErrnoException,
  ) {
    super(`cannot serve health on ${host}:${port} (${cause.code ?? cause.message}): use another address or port`, {
      cause,
    });
  }
}

/** `hotqueue worker` cannot get workers from a file. */
export class WorkerFileError extends HotQueueError {
  readonly code = 'WORKER_FILE';
  constructor(
    readonly file: string,
    sentence: string,
    options?: ErrorOptions,
  ) {
    super(`${file}: ${sentence}`, options);
  }
}

/** `hotqueue queues rm` without `--force`, on a queue with workers or messages. */
export class QueueInUseError extends HotQueueError {
  readonly code = 'QUEUE_IN_USE';
  /** @param contents what the queue has, such as `2 workers` */
  constructor(
    readonly queue: string,
    contents: string,
  ) {
    super(`${queue} was not removed: it has ${contents}. Stop its workers, or add --force`);
  }
}

/** `hotqueue dashboard` cannot listen on its address. */
export class DashboardPortError extends HotQueueError {
  readonly code = 'DASHBOARD_PORT';
  constructor(
    readonly host: string,
    readonly port: number,
    cause: NodeJS.ErrnoException,
  ) {
    const why = cause.code === 'EADDRINUSE' ? 'another program uses it' : cause.message;
    super(
      `cannot listen on ${host}:${port}: ${why}. Choose another one with --port, or --port 0 for any that is free`,
      {
        cause,
      },
    );
  }
}
