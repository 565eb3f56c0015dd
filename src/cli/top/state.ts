import { count } from '../output.js';
import type { SeenQueue, Snapshot } from './snapshot.js';

/** An action of a key on a queue in Redis. */
export interface Act {
  readonly verb: 'pause' | 'resume' | 'revive' | 'drop' | 'promote';
  readonly queue: string;
}

/** Everything that the screen shows. */
export interface State {
  readonly sight: Snapshot;
  /** Name of the queue that the lower half shows; `undefined` if there is no queue. */
  readonly selected: string | undefined;
  /** Since when a reply from Redis is missing, in Unix ms. */
  readonly askedAt: number | undefined;
  /** Error message of the last snapshot, if Redis refused it. */
  readonly refusal: string | undefined;
  readonly isHelp: boolean;
  /** An action that waits for a yes. */
  readonly question: { readonly act: Act; readonly text: string } | undefined;
  /** The action that is running. */
  readonly doing: string | undefined;
  /** Result of the last action. */
  readonly note: string | undefined;
}

/** A key, as node:readline names it. */
export interface Key {
  readonly name?: string | undefined;
  readonly sequence?: string | undefined;
  readonly ctrl?: boolean | undefined;
}

/** The state after a key, and the action to run. */
export interface Answer {
  readonly state: State;
  readonly act?: Act;
  readonly isEnd?: boolean;
}

export function stateOf(sight: Snapshot): State {
  return seen(
    {
      sight,
      selected: undefined,
      askedAt: undefined,
      refusal: undefined,
      isHelp: false,
      question: undefined,
      doing: undefined,
      note: undefined,
    },
    sight,
  );
}

/** The state with a new snapshot. The selected queue stays selected if it still exists. */
export function seen(state: State, sight: Snapshot): State {
  const isThere = sight.queues.some(({ name }) => name === state.selected);
  return {
    ...state,
    sight,
    selected: isThere ? state.selected : sight.queues[0]?.name,
    askedAt: undefined,
    refusal: undefined,
  };
}

export const selectedOf = ({ sight, selected }: State): SeenQueue | undefined =>
  sight.queues.find(({ name }) => name === selected);

/** What a key does. Pure: the caller runs the action. */
export function pressed(state: State, key: Key): Answer {
  const name = key.ctrl
    ? `ctrl-${key.name}`
    : key.sequence?.length === 1 && key.sequence > ' '
      ? key.sequence
      : key.name;
  if (name === 'ctrl-c') return { state, isEnd: true };
  if (state.question) return answered(state, state.question.act, name);
  if (state.isHelp) return name === 'q' ? { state, isEnd: true } : { state: { ...state, isHelp: false } };
  const calm = { ...state, note: undefined };
  switch (name) {
    case 'q':
      return { state, isEnd: true };
    case '?':
    case 'h':
      return { state: { ...calm, isHelp: true } };
    case 'up':
    case 'k':
      return { state: moved(calm, -1) };
    case 'down':
    case 'j':
    case 'tab':
      return { state: moved(calm, 1) };
    case 'pageup':
      return { state: moved(calm, -10) };
    case 'pagedown':
      return { state: moved(calm, 10) };
    case 'home':
    case 'g':
      return { state: moved(calm, -Infinity) };
    case 'end':
    case 'G':
      return { state: moved(calm, Infinity) };
    case 'p':
      return steered(calm);
    case 'r':
      return asked(calm, 'revive', 'dead');
    case 'd':
      return asked(calm, 'drop', 'dead');
    case 'n':
      return asked(calm, 'promote', 'delayed');
    default:
      return { state };
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
  drop: (n: number, queue: string) => `drop all ${count(n, 'dead letter')} of ${queue} permanently?`,
  promote: (n: number, queue: string) => `promote all ${count(n, 'delayed message')} of ${queue} now?`,
};

/** Asks for a yes before an action that changes all dead letters or all delayed messages. */
function asked(state: State, verb: keyof typeof questions, where: 'dead' | 'delayed'): Answer {
  const queue = selectedOf(state);
  if (!queue || state.doing !== undefined) return { state };
  const none = where === 'dead' ? 'no dead letters' : 'no delayed messages';
  if (queue[where] === 0) return { state: { ...state, note: `${queue.name} has ${none}` } };
  return {
    state: {
      ...state,
      question: { act: { verb, queue: queue.name }, text: questions[verb](queue[where], queue.name) },
    },
  };
}

/** Only `y` is a yes: a key pressed by mistake must not drop anything. */
function answered(state: State, act: Act, key: string | undefined): Answer {
  const closed = { ...state, question: undefined };
  return key === 'y' || key === 'Y' ? { state: closed, act } : { state: { ...closed, note: 'nothing was changed' } };
}
