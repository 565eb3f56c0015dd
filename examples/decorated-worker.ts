/**
 * A decorated method gets validated instances of the class that was put. Ctrl-C ends it.
 *
 *     node --import @oxc-node/core/register examples/decorated-worker.ts
 */
import { IsEmail, IsOptional, IsString, MaxLength } from 'class-validator';
import { type Delivery, HotQueue, InvalidPayloadError, run, worker } from 'hotqueue';

class SendEmail {
  @IsEmail() to!: string;
  @IsString() @MaxLength(80) subject!: string;
  @IsOptional() @IsString() text?: string;

  domain() {
    return this.to.split('@')[1];
  }
}

const emails = new HotQueue('emails', { payload: SendEmail });

class Post {
  @worker(emails, { concurrency: 2, attempts: 3, backoff: '100ms' })
  async send(email: SendEmail, job: Delivery<SendEmail>) {
    if (email.domain() === 'busy.example' && job.attempt === 1) throw new Error('the server is busy');
    console.log(`sent "${email.subject}" to ${email.domain()}, attempt ${job.attempt}`);
  }
}

await emails.put({ to: 'ada@example.org', subject: 'Hello' }, { to: 'bob@busy.example', subject: 'Later' });
try {
  await emails.put({ to: 'ada', subject: 'Never' });
} catch (error) {
  if (error instanceof InvalidPayloadError) console.log('refused:', error.message);
}

await run(new Post());
