import { fork } from 'node:child_process';

const file = new URL('./child.js', import.meta.url);

/**
 * Starts a task of child.js in a separate process. If this process ends for any reason, the child ends too: it notices that
 * the channel between them has closed.
 *
 * @param {string} task @param {object} params
 * @param {number} timeoutMs time limit, after which the child is killed
 * @param {Record<string, string>} env environment variables for the child and for the tasks that it starts
 * @returns {{ result: Promise<any>, hear: () => Promise<any>, tell: (word: unknown) => void, kill: () => void }}
 */
export function startTask(task, params, timeoutMs = 600_000, env = {}) {
  const child = fork(file, [], {
    env: { ...process.env, ...env },
    serialization: 'advanced',
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
  });
  const heard = [];
  let listener;
  let complaints = '';
  child.stderr.setEncoding('utf8').on('data', (text) => (complaints = (complaints + text).slice(-2_000)));
  const result = new Promise((resolve, reject) => {
    const timer = setTimeout(() => {
      child.kill('SIGKILL');
      reject(new Error(`task ${task} did not finish within ${timeoutMs / 1000} s`));
    }, timeoutMs);
    child.on('message', (message) => {
      if ('result' in message) resolve(message.result);
      else if ('error' in message) reject(new Error(message.error));
      else if (listener) listener(message.word);
      else heard.push(message.word);
    });
    child.once('error', reject);
    // Not "exit", which may be emitted before the last output of the child.
    child.once('close', (code, signal) => {
      clearTimeout(timer);
      reject(new Error(`task ${task} exited with ${code ?? signal}: ${complaints}`));
    });
  });
  result.catch(() => undefined); // callers may ignore the result without an unhandled rejection
  const hear = () =>
    Promise.race([
      result.then(() => undefined),
      new Promise((resolve) => {
        if (heard.length > 0) return resolve(heard.shift());
        listener = (word) => {
          listener = undefined;
          resolve(word);
        };
      }),
    ]);
  child.send({ task, params });
  return { result, hear, tell: (word) => child.send({ word }), kill: () => child.kill('SIGKILL') };
}
