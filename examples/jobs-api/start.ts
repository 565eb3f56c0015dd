/**
 * A job service: an HTTP API that puts jobs, and a worker that runs them. This file starts both in one process:
 *
 *     node --import @oxc-node/core/register examples/jobs-api/start.ts
 *
 * In another terminal:
 *
 *     curl -i localhost:3000/jobs -H 'Content-Type: application/json' -d '{"from":2,"to":1000000}'      202, and an id
 *     curl -i localhost:3000/jobs/<id>                                          running, then done: 78498 primes
 *     curl -i localhost:3000/jobs/<id>/answer                                   waits for the answer
 *     curl -i localhost:3000/jobs -H 'Content-Type: application/json' -d '{"from":2,"to":-1}'           400, and why
 *
 * In production, api.ts and worker.ts run as separate processes, as many of each as you need. Try this: stop all workers, put
 * some jobs, ask for the status of one (waiting), start a worker, ask again. Or kill -9 the worker during a long job.
 */
await Promise.all([import('./api.js'), import('./worker.js')]);
