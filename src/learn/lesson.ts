import { compose } from './parts/compose.js';
import { crash } from './parts/crash.js';
import { typedPayload } from './parts/payload.js';
import { putAndConsume } from './parts/put-and-consume.js';
import { results } from './parts/results.js';
import { echoWorker } from './parts/worker.js';
import type { Part, Step } from './step.js';

/** The exercises of the lesson, in order. */
export const lesson: readonly Part[] = [putAndConsume, compose, echoWorker, typedPayload, crash, results];

/** Every step, with its exercise and its numbers. */
export const steps: readonly {
  readonly step: Step;
  readonly part: Part;
  readonly partNumber: number;
  readonly number: number;
}[] = lesson.flatMap((part, index) =>
  part.steps.map((step, at) => ({ step, part, partNumber: index + 1, number: at + 1 })),
);
