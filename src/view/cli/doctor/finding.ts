/** One thing that was looked at. */
export interface Finding {
  /** What was looked at, such as `memory` or `queue emails`. */
  readonly check: string;
  /** A `warning` may be meant so; a `problem` loses messages, or stops work. */
  readonly status: 'ok' | 'warning' | 'problem';
  readonly says: string;
  /** What to do about it; not for what is well. */
  readonly wayOut?: string;
}

export const ok = (check: string, says: string): Finding => ({ check, status: 'ok', says });
export const warning = (check: string, says: string, wayOut: string): Finding => ({ check, status: 'warning', says, wayOut });
export const problem = (check: string, says: string, wayOut: string): Finding => ({ check, status: 'problem', says, wayOut });
