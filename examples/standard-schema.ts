/**
 * A zod schema instead of a class. Any other Standard Schema (valibot, arktype) works too. Consumers get payloads with
 * defaults and conversions applied, in value and type.
 *
 *     node --import @oxc-node/core/register examples/standard-schema.ts
 */
import { HotQueue, InvalidPayloadError } from 'hotqueue';
import { z } from 'zod';

const Order = z.object({
  sku: z.string().regex(/^[A-Z]{2}-\d+$/),
  quantity: z.int().positive().default(1),
});

const orders = new HotQueue('orders', { payload: Order });

await orders.put({ sku: 'TE-1' }, { sku: 'CU-7', quantity: 6 });
try {
  await orders.put({ sku: 'tea', quantity: 0 });
} catch (error) {
  if (!(error instanceof InvalidPayloadError)) throw error;
  for (const { path, message } of error.violations) console.log(`refused, ${path}: ${message}`);
}

for await (const { sku, quantity } of orders.consume({ limit: 2 })) {
  console.log(`${quantity} × ${sku}`);
}
