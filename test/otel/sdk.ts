import { context, type Attributes } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import {
  AggregationTemporality,
  InMemoryMetricExporter,
  MeterProvider,
  PeriodicExportingMetricReader,
} from '@opentelemetry/sdk-metrics';
import {
  BasicTracerProvider,
  InMemorySpanExporter,
  type ReadableSpan,
  SimpleSpanProcessor,
} from '@opentelemetry/sdk-trace-base';
import { onTestFinished } from 'vitest';
import { instrument, type InstrumentOptions } from '../../src/otel/index.js';
import { until } from '../support/facts.js';

context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());

/** An SDK that keeps everything in memory, and hotqueue's instrumentation for the time of a test. */
export class Sdk {
  readonly #spans = new InMemorySpanExporter();
  readonly #metrics = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE);
  readonly #meterProvider = new MeterProvider({
    readers: [new PeriodicExportingMetricReader({ exporter: this.#metrics, exportIntervalMillis: 3_600_000 })],
  });
  readonly #tracerProvider = new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(this.#spans)] });
  readonly tracer = this.#tracerProvider.getTracer('test');

  constructor(options: InstrumentOptions = {}) {
    const { stop } = instrument({
      tracerProvider: this.#tracerProvider,
      meterProvider: this.#meterProvider,
      ...options,
    });
    onTestFinished(async () => {
      stop();
      await this.#meterProvider.shutdown();
      await this.#tracerProvider.shutdown();
    });
  }

  /** The ended spans with this name, oldest first, when there are as many. */
  spans(name: string, count = 1): Promise<ReadableSpan[]> {
    return until(
      () => this.#spans.getFinishedSpans().filter((span) => span.name === name),
      (spans) => spans.length >= count,
    );
  }

  get names(): string[] {
    return this.#spans.getFinishedSpans().map(({ name }) => name);
  }

  /** Runs something inside of a span of the program. */
  async inside<R>(work: () => Promise<R>): Promise<{ readonly result: R; readonly span: ReadableSpan }> {
    return this.tracer.startActiveSpan('program', async (span) => {
      const result = await work();
      span.end();
      return { result, span: span as unknown as ReadableSpan };
    });
  }

  /** The values of a metric with their attributes; for a histogram, the number of values. */
  async metric(name: string): Promise<{ readonly attributes: Attributes; readonly value: number }[]> {
    this.#metrics.reset();
    await this.#meterProvider.forceFlush();
    const found = this.#metrics
      .getMetrics()
      .flatMap(({ scopeMetrics }) => scopeMetrics)
      .flatMap(({ metrics }) => metrics)
      .find(({ descriptor }) => descriptor.name === name);
    return (found?.dataPoints ?? []).map(({ attributes, value }) => ({
      attributes,
      value: typeof value === 'number' ? value : value.count,
    }));
  }
}

export const parentOf = (span: ReadableSpan): string | undefined => span.parentSpanContext?.spanId;
export const linksOf = (span: ReadableSpan): string[] => span.links.map(({ context: { spanId } }) => spanId);
export const idOf = (span: ReadableSpan): string => span.spanContext().spanId;
export const traceOf = (span: ReadableSpan): string => span.spanContext().traceId;
