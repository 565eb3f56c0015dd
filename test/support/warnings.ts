import { setImmediate as nextTurn } from 'node:timers/promises';

/** The warnings of Node during some work, such as `MaxListenersExceededWarning`. */
export async function warningsDuring(work: () => Promise<unknown>): Promise<string[]> {
  const warnings: string[] = [];
  const collect = ({ name, message }: Error): void => void warnings.push(`${name}: ${message}`);
  process.on('warning', collect);
  try {
    await work();
    await nextTurn(); // Node emits a warning in the next tick
  } finally {
    process.off('warning', collect);
  }
  return warnings;
}
