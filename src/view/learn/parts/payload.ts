import { InvalidPayloadError } from 'hotqueue';
import { hasRules } from '../../../message/class-rules.js';
import { messages, takenAlready } from '../seeing.js';
import { done, lines, notYet, part, type Part } from '../step.js';

const queue = 'emails';

/** What Python's HotQueue has not: messages with a shape. */
export const typedPayload: Part = part(
  'Messages with a shape',
  'So far any value could be put. A payload class says what a message is, and both ends hold it to that.',
  {
    id: 'write-class',
    where: 'here',
    queue,
    text: 'Declare what an email is.',
    type: lines('class Email { @IsEmail() to!: string }'),
    hint: 'The decorators of class-validator are at hand: @IsEmail(), @IsString(), @Min(1), …',
    check: (_now, _begun, here) => (hasRules(here.named('Email')) ? done('Email has rules') : notYet('there is no class Email with rules here')),
  },
  {
    id: 'put-valid',
    where: 'here',
    queue,
    text: 'Make a queue of them, and put one.',
    type: lines("const emails = new HotQueue('emails', { payload: Email })", "emails.put({ to: 'ada@example.com' })"),
    hint: 'The payload class goes into the options of the queue: { payload: Email }',
    check: (now, begun, here) => {
      const taken = takenAlready(now, here);
      if (taken !== undefined) return notYet(taken);
      return now.counts.waiting > begun.counts.waiting ? done(`${messages(now.counts.waiting)} in "emails"`) : notYet('nothing new in "emails" yet');
    },
  },
  {
    id: 'put-invalid',
    where: 'here',
    queue,
    text: 'Put one that is none.',
    type: lines("emails.put({ to: 'nobody' })"),
    hint: 'emails.put({ to: "nobody" }): nobody is no email address',
    check: (now, begun, { lines: typed }) => {
      const refused = typed.map(({ error }) => error).find((error) => error instanceof InvalidPayloadError);
      if (!refused) return notYet('nothing was refused yet');
      return now.counts.waiting === begun.counts.waiting ? done(`refused before it was sent (${refused.violations[0]?.message}): "emails" still holds ${messages(now.counts.waiting)}`) : notYet('it was refused, but something else was put');
    },
  },
  {
    id: 'put-from-elsewhere',
    where: 'there',
    queue,
    text: 'The second terminal knows nothing of the class, as a program in another language would: it gets through.',
    type: lines("new HotQueue('emails').put({ to: 'nobody' })"),
    hint: 'In the second terminal, a queue of the same name without a payload class.',
    check: (now, begun) => (now.counts.waiting > begun.counts.waiting ? done(`${messages(now.counts.waiting)} in "emails", one of them bad`) : notYet('nothing new in "emails" yet')),
  },
  {
    id: 'consume-valid',
    where: 'here',
    queue,
    text: 'Consume for a second: only what is valid comes out, as an Email.',
    type: lines("for await (const email of emails.consume({ timeout: '1s' })) console.log(email)"),
    hint: 'emails must be the queue with the payload class; its timeout ends the loop when nothing comes for so long',
    check: (now, begun) => {
      const buried = now.counts.dead - begun.counts.dead;
      const { waiting, claimed } = now.counts;
      if (waiting + claimed > 0 || buried < 1) return notYet(`${messages(waiting + claimed)} left in "emails", ${now.counts.dead} among the dead letters`);
      const letter = now.dead[0];
      return done(`the bad one never came to your code: it lies among the dead letters (${letter?.error?.message ?? letter?.reason}). .dead emails shows it`);
    },
  },
);
