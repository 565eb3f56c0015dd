// Entry point of the detached process that serves the JavaScript engine: `node engine-process.js <socket>`.
import { listen } from './engine-listener.js';

const socket = process.argv[2];
if (socket === undefined) throw new Error('missing argument: run node engine-process.js <socket>');
const engine = await listen(socket);
process.once('SIGTERM', engine.stop).once('SIGINT', engine.stop);
await engine.stopped;
process.exit(0);
