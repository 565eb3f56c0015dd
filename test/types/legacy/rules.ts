import { IsEmail, IsInt, IsOptional, Min } from 'class-validator';
import { HotQueue, rules } from 'hotqueue';

class SendEmail {
  to!: string;
  retries = 3;
  static {
    rules(this, { to: IsEmail(), retries: [IsOptional(), IsInt(), Min(0)] });
    // @ts-expect-error a property that SendEmail does not have
    rules(this, { from: IsEmail() });
    // @ts-expect-error not a rule
    rules(this, { to: 'email' });
  }
}
void new HotQueue('emails', { payload: SendEmail }).put({ to: 'a@b.c', retries: 1 });
