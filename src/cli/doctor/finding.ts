/** The result of one check. */
export interface Finding {
  /** What was checked, such as `memory` or `queue emails`. */
  readonly check: string;
  /** A `problem` loses messages or stops workers. A `warning` can be intended. */
  readonly status: 'ok' | 'warning' | 'problem';
  readonly says: string;
  /** What to do about it; absent for `ok`. */
  readonly wayOut?: string;
}

export const ok = (check: string, says: string): Finding => ({ check, status: 'ok', says });
export const warning = (check: string, says: string, wayOut: string): Finding => ({
  check,
  status: 'warning',
  says,
  wayOut,
});
export const problem = (check: string, says: string, wayOut: string): Finding => ({
  check,
  status: 'problem',
  says,
  wayOut,
});
