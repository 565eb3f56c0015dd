import { execFileSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { duration, durationMs } from '../../src/cli/command.js';
import { instant } from '../../src/cli/instant.js';

const local = (...parts: [number, number, number, number?, number?, number?, number?]): number =>
  new Date(parts[0], parts[1] - 1, parts[2], ...(parts.slice(3) as [number])).getTime();

describe('a time on the command line', () => {
  it.each([
    ['2026-12-24', () => local(2026, 12, 24, 0)],
    ['2026-12-24T18:00', () => local(2026, 12, 24, 18, 0)],
    ['2026-12-24 18:00:30', () => local(2026, 12, 24, 18, 0, 30)],
    ['2026-12-24T18:00:30.5', () => local(2026, 12, 24, 18, 0, 30, 500)],
    ['2026-12-24T17:00Z', () => Date.UTC(2026, 11, 24, 17)],
    ['2026-12-24T18:00+01:00', () => Date.UTC(2026, 11, 24, 17)],
    ['2026-12-24T18:00-0530', () => Date.UTC(2026, 11, 24, 23, 30)],
    ['2028-02-29T00:00Z', () => Date.UTC(2028, 1, 29)],
    ['1795731866000', () => 1_795_731_866_000],
  ])('%s means one instant', (text, ms) => {
    expect(instant(text).getTime()).toBe(ms());
  });

  it.each([
    ['1795731866', /seconds/],
    ['2027', /seconds/],
    ['0', /must be a time/],
    ['Mar 28', /must be a time/],
    ['tomorrow', /must be a time/],
    ['', /must be a time/],
    ['28.03.2027', /must be a time/],
    ['2027-3-28', /must be a time/],
    ['2027-02-30T10:00', /no such date/],
    ['2027-02-29', /no such date/],
    ['2027-13-01', /no such date/],
    ['2027-00-10', /no such date/],
    ['2027-01-01T25:00', /no such date/],
    ['2027-01-01T24:00', /no such date/],
    ['2027-01-01T10:60', /no such date/],
    ['2027-01-01T10:00+25:00', /no offset/],
    ['+012027-01-01T10:00', /must be a time/],
    ['1e12', /must be a time/],
    ['-1795731866000', /must be a time/],
    ['999999999999999999', /must be a time/],
  ])('%s is refused', (text, why) => {
    expect(() => instant(text)).toThrow(why);
  });

  it.each([
    ['Europe/Berlin', '2027-03-28T02:30', 'skip'],
    ['Europe/Berlin', '2027-10-31T02:30', 'twice'],
    ['America/New_York', '2027-11-07T01:30', 'twice'],
    ['Australia/Lord_Howe', '2027-04-04T01:45', 'twice'],
    ['Australia/Lord_Howe', '2027-10-03T02:15', 'skip'],
  ])('in %s, %s is refused, because the clocks move (%s)', (zone, text, why) => {
    const program = `
      const { instant } = await import('./src/cli/instant.ts');
      try { console.log(instant('${text}').toISOString()) } catch (error) { console.log(error.message) }
      console.log(instant('${text}+01:00').toISOString());
    `;
    const said = execFileSync(
      process.execPath,
      ['--import', '@oxc-node/core/register', '--input-type=module', '-e', program],
      { env: { ...process.env, TZ: zone }, encoding: 'utf8' },
    );
    expect(said).toMatch(new RegExp(`^[^\\n]*${why}[^\\n]*\\n\\d{4}-`));
  });
});

describe('a duration on the command line', () => {
  it.each([
    ['90s', 90_000],
    ['250ms', 250],
    ['30d', 2_592_000_000],
  ])('%s is %d ms', (text, ms) => {
    expect(durationMs(text)).toBe(ms);
    expect(duration(text)).toBe(text);
  });

  it.each(['30', '0', '1.5', '1e3', '1e3s', '-1s', '1w', '', 'NaN', '9'.repeat(400) + 'd', '40000d'])(
    '"%s" is refused',
    (text) => {
      expect(() => durationMs(text)).toThrow();
      expect(() => duration(text)).toThrow();
    },
  );
});
