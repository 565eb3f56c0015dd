import { HotQueueError, InvalidPayloadError } from 'hotqueue';
import type { Refusal } from './api.js';

/** A request that is refused, with the status of the answer. */
export class RefusedRequest extends Error {
  constructor(
    readonly status: 400 | 403 | 404 | 409 | 415 | 421 | 503,
    readonly code: string,
    message: string,
  ) {
    super(message);
  }
}

/** Errors of this library that are not the fault of the request. */
const statuses: Readonly<Record<string, 404 | 409 | 503>> = {
  REDIS_UNREACHABLE: 503,
  REDIS_REFUSED: 503,
  REDIS_FULL: 503,
  REDIS_UNSUPPORTED: 503,
  OUTCOME_UNKNOWN: 503,
  QUEUE_CLOSED: 503,
  QUEUE_FULL: 409,
  SCHEDULE_CHANGED: 409,
  NO_SCHEDULE: 404,
  UNKNOWN_WORKER: 404,
};

/** The status of the answer to a request that failed. */
export function statusOf(error: unknown): 400 | 403 | 404 | 409 | 415 | 421 | 500 | 503 {
  if (error instanceof RefusedRequest) return error.status;
  if (error instanceof HotQueueError) return statuses[error.code] ?? 400;
  return 500;
}

/** What an answer says about an error. Errors of other programs are not shown: their messages may contain secrets. */
export function refusalOf(error: unknown): Refusal['error'] {
  if (error instanceof RefusedRequest) return { code: error.code, message: error.message, violations: [] };
  if (error instanceof HotQueueError) {
    const violations = error instanceof InvalidPayloadError ? error.violations : [];
    return {
      code: error.code,
      message: withoutSecrets(error.message),
      violations: violations.map(({ path, message }) => ({ path, message })),
    };
  }
  return {
    code: 'INTERNAL',
    message: 'the server failed to answer this request; its log says why',
    violations: [],
  };
}

/** Addresses of Redis without user, password and database: `redis://ada:***@cache:6379/2` becomes `cache:6379`. */
export const withoutSecrets = (text: string): string =>
  text.replace(/\b(?:rediss?|valkeys?|unix):\/\/(?:[^\s@/]*@)?([^\s/?"')]*)(\/[^\s"')]*)?/g, (whole, host: string) =>
    host === '' ? 'a unix socket' : host.replace(/[.,;:]$/, '') + (/[.,;]$/.exec(whole)?.[0] ?? ''),
  );
