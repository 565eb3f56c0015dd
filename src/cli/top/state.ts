import { count } from '../output.js';
import type { TopQueue, TopSnapshot } from './snapshot.js';

/** An action of a key on a queue in Redis. */
export interface Action {
  readonly verb: 'pause' | 'resume' | 'revive' | 'drop' | 'promote';
  readonly queue: string;
}

/** Everything that the screen shows. */
export interface State {
  readonly snapshot: TopSnapshot;
  /** Name of the queue that the lower half shows; `undefined` if there is no queue. */
  readonly selected: string | undefined;
  /** Since when a reply from Redis is missing, in Unix ms. */
  readonly askedAt: number | undefined;
  /** Error message of the last snapshot, if Redis refused it. */
  readonly refusal: string | undefined;
  readonly isHelp: boolean;
  /** An action that waits for a yes. */
  readonly question: { readonly action: Action; readonly text: string } | undefined;
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
export interface KeyResult {
  readonly state: State;
  readonly action?: Action;
  readonly isEnd?: boolean;
}

export function stateOf(snapshot: TopSnapshot): State {
  return withSnapshot(
    {
      snapshot,
      selected: undefined,
      askedAt: undefined,
      refusal: undefined,
      isHelp: false,
      question: undefined,
      doing: undefined,
      note: undefined,
    },
    snapshot,
  );
}

/** The state with a new snapshot. The selected queue stays selected if it still exists. */
export function withSnapshot(state: State, snapshot: TopSnapshot): State {
  const isThere = snapshot.queues.some(({ name }) => name === state.selected);
  return {
    ...state,
    snapshot,
    selected: isThere ? state.selected : snapshot.queues[0]?.name,
    askedAt: undefined,
    refusal: undefined,
  };
}

export const selectedOf = ({ snapshot, selected }: State): TopQueue | undefined =>
  snapshot.queues.find(({ name }) => name === selected);

/** What a key does. Pure: the caller runs the action. */
export function afterKey(state: State, key: Key): KeyResult {
  const name = key.ctrl
    ? `ctrl-${key.name}`
    : key.sequence?.length === 1 && key.sequence > ' '
      ? key.sequence
      : key.name;
  if (name === 'ctrl-c') return { state, isEnd: true };
  if (state.question) return afterAnswer(state, state.question.action, name);
  if (state.isHelp) return name === 'q' ? { state, isEnd: true } : { state: { ...state, isHelp: false } };
  const cleared = { ...state, note: undefined };
  switch (name) {
    case 'q':
      return { state, isEnd: true };
    case '?':
    case 'h':
      return { state: { ...cleared, isHelp: true } };
    case 'up':
    case 'k':
      return { state: withSelection(cleared, -1) };
    case 'down':
    case 'j':
    case 'tab':
      return { state: withSelection(cleared, 1) };
    case 'pageup':
      return { state: withSelection(cleared, -10) };
    case 'pagedown':
      return { state: withSelection(cleared, 10) };
    case 'home':
    case 'g':
      return { state: withSelection(cleared, -Infinity) };
    case 'end':
    case 'G':
      return { state: withSelection(cleared, Infinity) };
    case 'p':
      return pauseOrResume(cleared);
    case 'r':
      return askFirst(cleared, 'revive', 'dead');
    case 'd':
      return askFirst(cleared, 'drop', 'dead');
    case 'n':
      return askFirst(cleared, 'promote', 'delayed');
    default:
      return { state };
  }
}

function withSelection(state: State, by: number): State {
  const { queues } = state.snapshot;
  const at = queues.findIndex(({ name }) => name === state.selected);
  const to = Math.min(queues.length - 1, Math.max(0, at + by));
  return { ...state, selected: queues[to]?.name };
}

function pauseOrResume(state: State): KeyResult {
  const queue = selectedOf(state);
  if (!queue || state.doing !== undefined) return { state };
  return { state, action: { verb: queue.isPaused ? 'resume' : 'pause', queue: queue.name } };
}

const questions = {
  revive: (n: number, queue: string) => `revive all ${count(n, 'dead letter')} of ${queue}?`,
  drop: (n: number, queue: string) => `drop all ${count(n, 'dead letter')} of ${queue} permanently?`,
  promote: (n: number, queue: string) => `promote all ${count(n, 'delayed message')} of ${queue} now?`,
};

/** Asks for a yes before an action that changes all dead letters or all delayed messages. */
function askFirst(state: State, verb: keyof typeof questions, where: 'dead' | 'delayed'): KeyResult {
  const queue = selectedOf(state);
  if (!queue || state.doing !== undefined) return { state };
  const none = where === 'dead' ? 'no dead letters' : 'no delayed messages';
  if (queue[where] === 0) return { state: { ...state, note: `${queue.name} has ${none}` } };
  return {
    state: {
      ...state,
      question: { action: { verb, queue: queue.name }, text: questions[verb](queue[where], queue.name) },
    },
  };
}

/** Only `y` is a yes: a key pressed by mistake must not drop anything. */
function afterAnswer(state: State, action: Action, key: string | undefined): KeyResult {
  const closed = { ...state, question: undefined };
  return key === 'y' || key === 'Y' ? { state: closed, action } : { state: { ...closed, note: 'nothing was changed' } };
}
