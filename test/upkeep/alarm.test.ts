import { afterEach, expect, it, vi } from 'vitest';
import { Alarm } from '../../src/upkeep/alarm.js';

afterEach(() => void vi.useRealTimers());

it('rings once, at the earliest time it was given', () => {
  vi.useFakeTimers();
  const ring = vi.fn();
  const alarm = new Alarm(ring);
  alarm.in(50);
  alarm.in(20);
  alarm.in(90);
  vi.advanceTimersByTime(20);
  expect(ring).toHaveBeenCalledTimes(1);
  vi.advanceTimersByTime(100);
  expect(ring).toHaveBeenCalledTimes(1);
});

it.each([2 ** 31, 3_155_760_000_000, Infinity])('does not ring at once for %d ms, which Node would do', (ms) => {
  vi.useFakeTimers();
  const ring = vi.fn();
  const alarm = new Alarm(ring);
  alarm.in(ms);
  vi.advanceTimersByTime(60_000);
  expect(ring).not.toHaveBeenCalled();
  alarm.stop();
});
