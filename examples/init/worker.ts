import { run, worker, type Delivery } from 'hotqueue';
import { emails, SendEmail } from './queues.js';

class Postman {
  @worker(emails, { concurrency: 4, attempts: 3 })
  async send(email: SendEmail, job: Delivery<SendEmail>): Promise<void> {
    console.log(`sending "${email.subject}" to ${email.to}, attempt ${job.attempt}`);
  }
}

await run(new Postman()); // works until Ctrl-C
