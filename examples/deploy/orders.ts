/** The payloads and queues of the shop and the warehouse. */
import { IsInt, Min } from 'class-validator';
import { HotQueue } from 'hotqueue';

export class Order {
  @IsInt() @Min(1) number!: number;
}

/** A shipped order, with the version of the program that shipped it. */
export class Receipt extends Order {
  @IsInt() version!: number;
}

// Each run of deploy.ts has new queues, so it sees no messages of earlier runs. The child processes inherit the name.
const name = (process.env.DEPLOY ??= `deploy-${process.pid}-${Date.now()}`);

export const orders = new HotQueue(`${name}-orders`, { payload: Order });
export const receipts = new HotQueue(`${name}-receipts`, { payload: Receipt });
