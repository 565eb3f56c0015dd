/** How long handlers that ignore their signal, timers, or open connections may keep the process alive. */
const graceMs = 1_000;

/**
 * Lets this process exit when its remaining work is done, such as a put that is being sent. Forces it after one second.
 *
 * @param code exit code; by default `process.exitCode`
 */
export function exitSoon(code?: number): void {
  if (code !== undefined) process.exitCode = code;
  process.removeAllListeners('disconnect'); // this process ends its channel; the supervisor has not died
  if (process.connected) process.disconnect();
  setTimeout(() => process.exit(), graceMs).unref();
}
