import { HotQueue } from 'hotqueue';

/** Payloads and queues for the other files in this folder. They are only compiled, never run. */
export class Image {
  path!: string;
  width = 800;
  tags?: string[];
  takenAt?: Date;
  area(): number {
    return this.width;
  }
}
export class Email {
  to!: string;
}
export class WithArguments {
  constructor(readonly to: string) {}
}

export const images = new HotQueue('images', { payload: Image });
export const untyped = new HotQueue('untyped');

/** `true` if two types are identical, neither wider nor narrower. */
export type Same<A, B> = (<X>() => X extends A ? 1 : 2) extends <X>() => X extends B ? 1 : 2 ? true : false;
export const isTrue = <T extends true>(..._: T[]): void => undefined;
/** `exactly<T>()(value)` compiles when `value` is a `T`, neither wider nor narrower. */
export const exactly =
  <T>() =>
  <V>(_value: V, ..._same: Same<V, T> extends true ? [] : ['another type']): void =>
    undefined;
