/** A number in at most seven columns: `1,234`, `123,456`, `1,235k`, `12M`. */
export function compact(n: number): string {
  if (n < 1_000_000) return n.toLocaleString('en');
  return n < 10_000_000
    ? `${Math.round(n / 1_000).toLocaleString('en')}k`
    : `${Math.round(n / 1_000_000).toLocaleString('en')}M`;
}

/** A rate in at most six columns: `0`, `0.4`, `1,234`, `12k`; `-` if it is not known yet. */
export function perSecond(rate: number | undefined): string {
  if (rate === undefined) return '-';
  if (rate === 0) return '0';
  if (rate < 0.05) return '<0.1';
  if (rate < 9.95) return rate.toFixed(1);
  return rate < 10_000 ? Math.round(rate).toLocaleString('en') : `${Math.round(rate / 1_000).toLocaleString('en')}k`;
}
