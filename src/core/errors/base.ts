/**
 * Base class of every error that this library throws on purpose.
 *
 * Each subclass has one cause, a stable `code`, and its data as fields. The message says what is wrong, shows the value,
 * and says what to do. It never contains payload values.
 *
 * @example
 * try {
 *   await queue.put(order);
 * } catch (error) {
 *   if (error instanceof HotQueueError && error.code === 'QUEUE_FULL') return reply(503);
 *   throw error;
 * }
 */
export abstract class HotQueueError extends Error {
  /** Stable across releases. Compare this, not the message. */
  abstract readonly code: string;

  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = new.target.name;
  }
}

/**
 * A bundler has put the library into another file, without the files that it needs, such as its Redis scripts. Thrown when the
 * bundle is loaded. Code `BUNDLED`.
 *
 * @example
 * // esbuild app.ts --bundle --platform=node --external:hotqueue --external:class-validator --external:class-transformer
 */
export class BundledError extends HotQueueError {
  readonly code = 'BUNDLED';
  constructor() {
    super(
      'hotqueue was bundled: its Redis scripts are files of the package, which a bundle does not contain. Mark hotqueue, ' +
        'class-validator and class-transformer as external in your bundler (esbuild: --external:hotqueue), and install them ' +
        'where the bundle runs',
    );
  }
}
