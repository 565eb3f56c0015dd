import type { Ending } from './settings.js';

/** A command from the supervisor to a child. */
export type Order = { readonly kind: 'stop'; readonly reason: Ending } | { readonly kind: 'force' };

/** A message from a child to its supervisor. */
export type Report =
  /** The files are loaded and the workers have started. */
  | { readonly kind: 'ready'; readonly shutdownTimeoutMs: number }
  /** The child ends normally. */
  | { readonly kind: 'ending'; readonly reason: Ending }
  /** The child ends with exit code 1, for this reason. */
  | { readonly kind: 'failed'; readonly message: string };
