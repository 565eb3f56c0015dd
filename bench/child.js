// The program of all child processes: receives a task, replies with its result, and exits.
import { tasks } from './tasks.js';

process.once('disconnect', () => process.exit(1));

const heard = [];
let listener;
process.on('message', (message) => {
  if ('task' in message) void perform(message);
  else if (listener) listener(message.word);
  else heard.push(message.word);
});

const link = {
  say: (word) => process.send({ word }),
  hear: () =>
    new Promise((resolve) => {
      if (heard.length > 0) return resolve(heard.shift());
      listener = (word) => {
        listener = undefined;
        resolve(word);
      };
    }),
};

async function perform({ task, params }) {
  let answer;
  try {
    answer = { result: await tasks[task](params, link) };
  } catch (error) {
    answer = { error: error instanceof Error ? error.stack : String(error) };
  }
  // The measurement is complete, so nothing needs closing: sockets close when the process exits.
  process.send(answer, () => process.exit(0));
}
