import { InvalidArgumentError } from 'commander';

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
