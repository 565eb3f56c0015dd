import { lua, type Mutant } from './mutant.js';

/** The history of a queue. */
export const history: readonly Mutant[] = [
  {
    name: 'history-acks-again',
    breaks: 'a message that was acknowledged before has no second entry in the history of its queue',
    file: lua('_history'),
    find: "addIndexes(skipped, string.match(before or '', '^%d+ %d+ (.*)$') or '')",
    replace: '',
    hunters: ['H01'],
  },
];
