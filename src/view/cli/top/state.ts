import { count } from '../output.js';
import type { SeenQueue, Sight } from './sight.js';

/** What a key asks of Redis. */
export interface Act {
  readonly verb: 'pause' | 'resume' | 'revive' | 'drop' | 'promote';
  readonly queue: string;
}

/** All that the screen shows. */
export interface State {
  readonly sight: Sight;
  /** Name of the queue that the lower half is about; `undefined` when there is none. */
  readonly selected: string | undefined;
  /** Since when an answer of Redis is awaited, Unix ms. */
  readonly askedAt: number | undefined;
  /** What a look was refused with, other than silence. */
  readonly refusal: string | undefined;
  readonly isHelp: boolean;
  /** What waits for a yes. */
  readonly question: { readonly act: Act; readonly text: string } | undefined;
  /** What is being done. */
  readonly doing: string | undefined;
  /** What was done last, or why it was not. */
  readonly note: string | undefined;
}

/** A key, as node:readline names it. */
export interface Key {
  readonly name?: string | undefined;
  readonly sequence?: string | undefined;
  readonly ctrl?: boolean | undefined;
}

/** What a key changes, and what it has done beyond the screen. */
export interface Answer {
  readonly state: State;
  readonly act?: Act;
  readonly isEnd?: boolean;
}

export function stateOf(sight: Sight): State {
  return seen({ sight, selected: undefined, askedAt: undefined, refusal: undefined, isHelp: false, question: undefined, doing: undefined, note: undefined }, sight);
}

/** With a new look; the same queue stays selected, wherever it stands now. */
export function seen(state: State, sight: Sight): State {
  const isThere = sight.queues.some(({ name }) => name === state.selected);
  return { ...state, sight, selected: isThere ? state.selected : sight.queues[0]?.name, askedAt: undefined, refusal: undefined };
}

export const selectedOf = ({ sight, selected }: State): SeenQueue | undefined => sight.queues.find(({ name }) => name === selected);

/** What a key does. Pure: the one who asks carries it out. */
export function pressed(state: State, key: Key): Answer {
  const name = key.ctrl ? `ctrl-${key.name}` : (key.sequence?.length === 1 && key.sequence > ' ' ? key.sequence : key.name);
  if (name === 'ctrl-c') return { state, isEnd: true };
  if (state.question) return answered(state, state.question.act, name);
  if (state.isHelp) return name === 'q' ? { state, isEnd: true } : { state: { ...state, isHelp: false } };
  const calm = { ...state, note: undefined };
  switch (name) {
    case 'q': return { state, isEnd: true };
    case '?': case 'h': return { state: { ...calm, isHelp: true } };
    case 'up': case 'k': return { state: moved(calm, -1) };
    case 'down': case 'j': case 'tab': return { state: moved(calm, 1) };
    case 'pageup': return { state: moved(calm, -10) };
    case 'pagedown': return { state: moved(calm, 10) };
    case 'home': case 'g': return { state: moved(calm, -Infinity) };
    case 'end': case 'G': return { state: moved(calm, Infinity) };
    case 'p': return steered(calm);
    case 'r': return asked(calm, 'revive', 'dead');
    case 'd': return asked(calm, 'drop', 'dead');
    case 'n': return asked(calm, 'promote', 'delayed');
    default: return { state };
  }
}

function moved(state: State, by: number): State {
  const { queues } = state.sight;
  const at = queues.findIndex(({ name }) => name === state.selected);
  const to = Math.min(queues.length - 1, Math.max(0, at + by));
  return { ...state, selected: queues[to]?.name };
}

function steered(state: State): Answer {
  const queue = selectedOf(state);
  if (!queue || state.doing !== undefined) return { state };
  return { state, act: { verb: queue.isPaused ? 'resume' : 'pause', queue: queue.name } };
}

const questions = {
  revive: (n: number, queue: string) => `revive all ${count(n, 'dead letter')} of ${queue}?`,
  drop: (n: number, queue: string) => `drop all ${count(n, 'dead letter')} of ${queue}, for good?`,
  promote: (n: number, queue: string) => `make all ${count(n, 'delayed message')} of ${queue} ready now?`,
};

/** What concerns everything that lies somewhere wants a yes. */
function asked(state: State, verb: keyof typeof questions, where: 'dead' | 'delayed'): Answer {
  const queue = selectedOf(state);
  if (!queue || state.doing !== undefined) return { state };
  const none = where === 'dead' ? 'no dead letters' : 'no delayed messages';
  if (queue[where] === 0) return { state: { ...state, note: `${queue.name} has ${none}` } };
  return { state: { ...state, question: { act: { verb, queue: queue.name }, text: questions[verb](queue[where], queue.name) } } };
}

/** Only `y` is a yes: a key pressed by mistake must not drop anything. */
function answered(state: State, act: Act, key: string | undefined): Answer {
  const closed = { ...state, question: undefined };
  return key === 'y' || key === 'Y' ? { state: closed, act } : { state: { ...closed, note: 'nothing was done' } };
}
