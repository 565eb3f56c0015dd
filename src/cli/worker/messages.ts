import type { EndReason } from './settings.js';

/** A command from the supervisor to a child. */
export type ChildCommand = { readonly kind: 'stop'; readonly reason: EndReason } | { readonly kind: 'force' };

/** A message from a child to its supervisor. */
export type ChildReport =
  /** The files are loaded and the workers have started. */
  | { readonly kind: 'ready'; readonly shutdownTimeoutMs: number }
  /** The child ends normally. */
  | { readonly kind: 'ended'; readonly reason: EndReason }
  /** The child ends with exit code 1, for this reason. */
  | { readonly kind: 'failed'; readonly message: string };
