import type { Ending } from './settings.js';

/** From the supervisor to a child. */
export type Order = { readonly kind: 'stop'; readonly reason: Ending } | { readonly kind: 'force' };

/** From a child to its supervisor. */
export type Report =
  /** The files are loaded, the work begins. */
  | { readonly kind: 'ready'; readonly deadlineMs: number }
  /** It ends in good order. */
  | { readonly kind: 'ending'; readonly reason: Ending }
  /** It ends with exit code 1, and this is why. */
  | { readonly kind: 'failed'; readonly message: string };
