import { InvalidOptionError } from 'hotqueue';
import type { HealthAddress } from './health-address.js';

/** @throws InvalidOptionError for an address that other machines can reach, and for several processes */
export function assertMayServe(
  { host, port }: HealthAddress,
  flags: { readonly healthPublic?: boolean; readonly processes?: number; readonly watch?: boolean },
): void {
  if (flags.processes !== undefined || flags.watch === true)
    throw new InvalidOptionError(
      'health',
      'invalid --health with --processes or --watch: each process has a health of its own. Start one "hotqueue worker --health" for each process',
    );
  const isLoopback = host === 'localhost' || host === '::1' || /^127(\.\d{1,3}){3}$/.test(host);
  if (!isLoopback && flags.healthPublic !== true)
    throw new InvalidOptionError(
      'health',
      `invalid --health ${host}:${port}: other machines could reach it, and /metrics has the names of queues. Use 127.0.0.1, or add --health-public`,
    );
}
