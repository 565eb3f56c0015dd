import { InvalidArgumentError } from 'commander';
import { InvalidOptionError } from 'hotqueue';

/** Where health is served. */
export interface HealthAddress {
  readonly host: string;
  readonly port: number;
}

/** Parses `127.0.0.1:8080`, `[::1]:8080`, `localhost:8080` or `8080`, for commander. */
export function healthAddress(text: string): HealthAddress {
  const [, six, other, port] = /^(?:(?:\[([0-9a-fA-F:.]+)\]|([^\s:[\]/]+)):)?(\d{1,5})$/.exec(text) ?? [];
  if (port === undefined || Number(port) > 65_535)
    throw new InvalidArgumentError('It must be an address with a port, such as 127.0.0.1:8080 or [::1]:8080.');
  return { host: six ?? other ?? '127.0.0.1', port: Number(port) };
}

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
