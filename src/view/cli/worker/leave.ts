/** Handlers that ignore their signal, and pools that nobody closed, keep a process alive for so long, and no longer. */
const graceMs = 1_000;

/** Ends this process: by itself when nothing is left to be done, such as a put on its way, else by force. */
export function leave(code: number): void {
  process.exitCode = code;
  process.removeAllListeners('disconnect'); // it is us who go, not the supervisor
  if (process.connected) process.disconnect();
  setTimeout(() => process.exit(code), graceMs).unref();
}
