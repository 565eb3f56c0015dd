/**
 * A jobs service: an HTTP API that puts jobs, and a worker that does them. Both in this process, for a first look:
 *
 *     node --import @oxc-node/core/register examples/jobs-api/start.ts
 *
 * In another terminal:
 *
 *     curl -i localhost:3000/jobs -H 'Content-Type: application/json' -d '{"from":2,"to":1000000}'      202, and an id
 *     curl -i localhost:3000/jobs/<id>                                          running, then done: 78498 primes
 *     curl -i localhost:3000/jobs -H 'Content-Type: application/json' -d '{"from":2,"to":-1}'           400, and why
 *
 * A real one runs api.ts and worker.ts as processes of their own, as many of each as it needs. Then stop all workers, put some
 * jobs, ask for one (waiting), start a worker, ask again; or kill -9 the worker in the middle of a long one.
 */
await Promise.all([import('./api.js'), import('./worker.js')]);
