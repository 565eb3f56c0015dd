/** The job of the service, its result, and its queue. */
import { IsInt, IsUrl, Min } from 'class-validator';
import { HotQueue } from 'hotqueue';

export class CountWords {
  @IsUrl({ require_tld: false, protocols: ['http', 'https'], require_protocol: true }) url!: string;
}

export class WordCount {
  @IsInt() @Min(0) words!: number;
}

export const pages = new HotQueue('pages', { payload: CountWords, result: WordCount, track: { keep: '1h' } });
