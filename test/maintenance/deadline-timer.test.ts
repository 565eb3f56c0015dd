import { afterEach, expect, it, vi } from 'vitest';
import { DeadlineTimer } from '../../src/maintenance/deadline-timer.js';

afterEach(() => void vi.useRealTimers());

it('fires once, at the earliest of its times', () => {
  vi.useFakeTimers();
  const ring = vi.fn();
  const alarm = new DeadlineTimer(ring);
  alarm.in(50);
  alarm.in(20);
  alarm.in(90);
  vi.advanceTimersByTime(20);
  expect(ring).toHaveBeenCalledTimes(1);
  vi.advanceTimersByTime(100);
  expect(ring).toHaveBeenCalledTimes(1);
});

it.each([2 ** 31, 3_155_760_000_000, Infinity])('does not fire at once for %d ms, as a timer of Node would', (ms) => {
  vi.useFakeTimers();
  const ring = vi.fn();
  const alarm = new DeadlineTimer(ring);
  alarm.in(ms);
  vi.advanceTimersByTime(60_000);
  expect(ring).not.toHaveBeenCalled();
  alarm.stop();
});
