import { createServer } from 'node:net';

/** Below the ports that systems give to outgoing connections (from 32,768 on Linux), also with 10,000 added. */
const [lowest, highest] = [10_000, 22_000];
/** Ports that one process tries before it comes to those of the next process. */
const perProcess = 64;
let next = 0;

/**
 * Ports of which the port 10,000 higher is free too: the bus of a cluster node listens there. A port that is free now can be
 * taken before its server listens. So no outgoing connection gets these ports, and processes that ask at the same time look
 * in different places.
 */
export async function freePorts(count: number): Promise<number[]> {
  const ports: number[] = [];
  while (ports.length < count) {
    const port = lowest + ((process.pid * perProcess + next++) % (highest - lowest));
    if ((await isFree(port)) && (await isFree(port + 10_000))) ports.push(port);
  }
  return ports;
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = createServer();
    probe.once('error', () => resolve(false));
    probe.listen(port, '127.0.0.1', () => probe.close(() => resolve(true)));
  });
}
