import { InvalidPayloadError } from 'hotqueue';
import { hasRules } from '../../payload/class-rules.js';
import { messages, takenAlready } from '../reading.js';
import { done, lines, notYet, part, type Part } from '../step.js';

const queue = 'emails';

/** Exercise 4: messages are checked against a class. Python's HotQueue does not have this. */
export const typedPayload: Part = part(
  'Messages with a class',
  'Until now, you could put any value. A payload class declares the fields of a\nmessage and their rules. put checks every message against it, and so does the\nconsumer.',
  {
    id: 'write-class',
    where: 'here',
    queue,
    text: 'Declare a class for an email.',
    type: lines('class Email { @IsEmail() to!: string }'),
    hint: 'You can use the decorators of class-validator here: @IsEmail(), @IsString(),\n@Min(1), …',
    check: (_now, _begun, here) =>
      hasRules(here.named('Email'))
        ? done('the class Email has rules')
        : notYet('this terminal has no class Email with rules yet'),
  },
  {
    id: 'put-valid',
    where: 'here',
    queue,
    text: 'Create a queue of emails, and put one email.',
    type: lines("const emails = new HotQueue('emails', { payload: Email })", "emails.put({ to: 'ada@example.com' })"),
    hint: 'The payload class is an option of the queue: { payload: Email }',
    check: (now, before, here) => {
      const taken = takenAlready(now, here);
      if (taken !== undefined) return notYet(taken);
      return now.counts.waiting > before.counts.waiting
        ? done(`${messages(now.counts.waiting)} in "emails"`)
        : notYet('no new message in "emails" yet');
    },
  },
  {
    id: 'put-invalid',
    where: 'here',
    queue,
    text: 'Put an email with an invalid address.',
    type: lines("emails.put({ to: 'ada' })"),
    hint: 'Type emails.put({ to: "ada" }): "ada" is not an email address',
    check: (now, before, { lines: typed }) => {
      const refused = typed.map(({ error }) => error).find((error) => error instanceof InvalidPayloadError);
      if (!refused) return notYet('no message was refused yet');
      return now.counts.waiting === before.counts.waiting
        ? done(
            `put refused it and sent nothing (${refused.violations[0]?.message}): "emails" still has ${messages(now.counts.waiting)}`,
          )
        : notYet('it was refused, but another message was put');
    },
  },
  {
    id: 'put-from-elsewhere',
    where: 'there',
    queue,
    text: 'The second terminal does not know the class Email. A program in another\nlanguage would not know it either. Put the invalid email there: this put\nsucceeds.',
    type: lines("new HotQueue('emails').put({ to: 'ada' })"),
    hint: 'In the second terminal, create a queue with the same name and without a payload\nclass.',
    check: (now, before) =>
      now.counts.waiting > before.counts.waiting
        ? done(`${messages(now.counts.waiting)} in "emails", one of them invalid`)
        : notYet('no new message in "emails" yet'),
  },
  {
    id: 'consume-valid',
    where: 'here',
    queue,
    text: 'Consume until no message comes for one second. Your loop gets only valid\nmessages, each as an Email object.',
    type: lines("for await (const email of emails.consume({ idleTimeout: '1s' })) console.log(email)"),
    hint: 'emails must be the queue with the payload class. idleTimeout ends the loop when no\nmessage comes for one second.',
    check: (now, before) => {
      const buried = now.counts.dead - before.counts.dead;
      const { waiting, active } = now.counts;
      if (waiting + active > 0 || buried < 1)
        return notYet(`${messages(waiting + active)} left in "emails", ${now.counts.dead} dead`);
      const letter = now.dead[0];
      return done(
        `your code never got the invalid message. It is a dead letter now (${letter?.error?.message ?? letter?.reason}). .dead emails shows it`,
      );
    },
  },
);
