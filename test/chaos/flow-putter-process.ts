/** A process that puts flows until it is killed. Its task is in the environment variable `CHAOS`, as JSON. */
import { chain, group, HotQueue } from '../../src/index.js';
import { Dice } from './dice.js';
import { History } from './history.js';
import { connect, type Road } from './road.js';

export interface FlowPutterTask {
  readonly folder: string;
  readonly proc: string;
  readonly road: Road;
  readonly queues: readonly string[];
  readonly seed: number;
}

const task = JSON.parse(process.env.CHAOS!) as FlowPutterTask;
const history = new History(task.folder, task.proc);
process.on('uncaughtExceptionMonitor', (error) => history.write('uncaught', { text: String(error.stack ?? error) }));
const { options } = connect(task.road);
const queues = task.queues.map((name) => new HotQueue(name, { ...options, logger: false }));
const dice = new Dice(task.seed);
history.write('up');
for (let number = 0; ; number += 1) {
  const flow = `${task.proc}-${number}`;
  // The join of a flow that never starts must not run either.
  const onFailure = 'run' as const;
  const step = () => dice.pick(queues).task({ flow, ms: dice.whole(0, 5) });
  const one = dice.pick(queues);
  /** All of them are in one queue: they are put in one call. */
  const own = () => one.task({ flow, ms: 1 });
  /** It is put by calls of its own. */
  const alone = () => one.task({ flow, ms: 1 }, { id: `${flow}-first` });
  const joined = () => group([step(), step(), step(), step(), step()], { then: step(), onFailure });
  const nested = () => chain(step(), group([step(), chain(step(), step())], { onFailure }), step());
  const behindAlone = () => chain(alone(), group([step(), step()], { onFailure }), step());
  const forms = [
    { size: 4, put: () => chain(step(), step(), step(), step()) },
    { size: 6, put: joined },
    { size: 6, put: joined },
    { size: 5, put: nested },
    { size: 5, put: nested },
    { size: 3, put: () => group([step(), step(), step()]) },
    { size: 4, put: () => chain(own(), own(), group([own(), own()])) },
    { size: 4, put: behindAlone },
    { size: 4, put: behindAlone },
    { size: 4, put: behindAlone },
  ];
  const { size, put } = dice.pick(forms);
  history.write('putting', { key: flow, text: String(size) });
  await put();
  history.write('put-whole', { key: flow });
}
