import { emails } from './queues.js';

const job = await emails.put({ to: 'ada@example.com', subject: 'Hello' });
console.log(`message ${job.id} is in the queue`);
await emails.close();
