/**
 * OpenTelemetry in one process: a request puts an order, a worker handles it, and its spans are printed as a tree.
 *
 *     node --import @oxc-node/core/register examples/tracing.ts
 *
 * In a service, the SDK sends the spans to a collector instead: replace the exporter.
 */
import { context } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import { BasicTracerProvider, InMemorySpanExporter, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-base';
import { HotQueue, start } from 'hotqueue';
import { instrument } from 'hotqueue/otel';

const exporter = new InMemorySpanExporter();
const tracerProvider = new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] });
context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
instrument({ tracerProvider, parent: 'child' });

const tracer = tracerProvider.getTracer('shop');
const orders = new HotQueue('traced-orders');
const runner = start(
  orders.worker(
    (_, job) => {
      if (job.attempt === 1) throw new Error('the card terminal is busy');
      tracer.startSpan('charge the card').end();
    },
    { attempts: 2, backoff: '10ms' },
  ),
);

await tracer.startActiveSpan('POST /orders', async (request) => {
  await orders.put({ item: 'book' });
  request.end();
});
await runner.drained({ delayed: true });
await runner.stop();
await orders.close();

const spans = exporter.getFinishedSpans();
const print = (parent: string | undefined, depth: number): void => {
  for (const span of spans.filter(({ parentSpanContext }) => parentSpanContext?.spanId === parent)) {
    const error = span.status.message === undefined ? '' : ` (${span.status.message})`;
    console.log(`${'  '.repeat(depth)}${span.name}${error}`);
    print(span.spanContext().spanId, depth + 1);
  }
};
print(undefined, 0);
