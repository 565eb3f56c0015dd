import { IsEmail, IsString } from 'class-validator';
import { HotQueue } from 'hotqueue';

export class SendEmail {
  @IsEmail() to!: string;
  @IsString() subject!: string;
}

export const emails = new HotQueue('emails', { payload: SendEmail });
