/** What shop and warehouse have in common. */
import { IsInt, Min } from 'class-validator';
import { HotQueue } from 'hotqueue';

export class Order {
  @IsInt() @Min(1) number!: number;
}

/** That an order was shipped, and by which version of the program. */
export class Receipt extends Order {
  @IsInt() version!: number;
}

// Queues of its own for each run of deploy.ts, which hands the name on: nothing that an earlier one left comes up in it.
const name = (process.env.DEPLOY ??= `deploy-${process.pid}-${Date.now()}`);

export const orders = new HotQueue(`${name}-orders`, { payload: Order });
export const receipts = new HotQueue(`${name}-receipts`, { payload: Receipt });
