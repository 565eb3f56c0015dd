/** The result of one check. */
export interface Finding {
  /** What was checked, such as `memory` or `queue emails`. */
  readonly check: string;
  /** A `problem` loses messages or stops workers. A `warning` can be intended. */
  readonly status: 'ok' | 'warning' | 'problem';
  readonly says: string;
  /** What to do about it; absent for `ok`. */
  readonly fix?: string;
}

export const ok = (check: string, says: string): Finding => ({ check, status: 'ok', says });
export const warning = (check: string, says: string, fix: string): Finding => ({
  check,
  status: 'warning',
  says,
  fix,
});
export const problem = (check: string, says: string, fix: string): Finding => ({
  check,
  status: 'problem',
  says,
  fix,
});
