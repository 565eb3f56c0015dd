import { ValueType, type Attributes, type Meter } from '@opentelemetry/api';

/** The metrics of the conventions for messaging. Times are in seconds. */
export interface Instruments {
  /** @param count 0 for a message that is made now and stored later */
  sent(count: number, seconds: number, attributes: Attributes): void;
  processed(count: number, seconds: number, attributes: Attributes): void;
  settled(seconds: number, attributes: Attributes): void;
}

/** From the conventions: 5 ms to 10 s. */
const boundaries = [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10];

export function instruments(meter: Meter): Instruments {
  const counter = (name: string, description: string) =>
    meter.createCounter(name, { description, unit: '{message}', valueType: ValueType.INT });
  const histogram = (name: string, description: string) =>
    meter.createHistogram(name, { description, unit: 's', advice: { explicitBucketBoundaries: boundaries } });
  const sentMessages = counter('messaging.client.sent.messages', 'Messages that a producer attempted to put.');
  const consumedMessages = counter('messaging.client.consumed.messages', 'Messages that were delivered to a handler.');
  const operations = histogram('messaging.client.operation.duration', 'Duration of a put or a settlement.');
  const handlers = histogram('messaging.process.duration', 'Duration of a handler.');
  return {
    sent(count, seconds, attributes) {
      if (count > 0) sentMessages.add(count, attributes);
      operations.record(seconds, attributes);
    },
    processed(count, seconds, attributes) {
      consumedMessages.add(count, attributes);
      handlers.record(seconds, attributes);
    },
    settled(seconds, attributes) {
      operations.record(seconds, attributes);
    },
  };
}
