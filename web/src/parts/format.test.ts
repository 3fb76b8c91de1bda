import { describe, expect, test } from 'vitest';
import { ago, bytes, count, number, partOf, percent, seconds, shortDigest, utc } from './format';

describe('numbers', () => {
  test('counts are whole, from a million on short', () => {
    expect(count(0)).toBe('0');
    expect(count(12345).replace(/\D/g, '')).toBe('12345');
    expect(count(12_345_678)).toBe('12.35 M');
    expect(count(3.2e9)).toBe('3.20 G');
    expect(count(null)).toBe('–');
  });
  test('values keep their significant digits', () => {
    expect(number(0.71234567, 3)).toMatch(/^0[.,]712$/);
    expect(number(0)).toBe('0');
    expect(number(1e-9)).toBe('1.000e-9');
    expect(number(2.5e12)).toBe('2.500e+12');
    expect(number(Number.NaN)).toBe('NaN');
    expect(number(undefined)).toBe('–');
  });
  test('a part that is not nothing is never 0 %', () => {
    expect(partOf(0, 10)).toBe('0 %');
    expect(partOf(1, 27_000_000)).toBe('< 0.01 %');
    expect(partOf(96, 27_932)).toBe('0.34 %');
    expect(partOf(1, 4)).toBe('25.0 %');
    expect(partOf(0, 0)).toBe('–');
  });
  test('shares, sizes and spans have their units', () => {
    expect(percent(0.123456)).toBe('12.3 %');
    expect(bytes(512)).toBe('512 B');
    expect(bytes(5 * 1024 * 1024)).toBe('5.0 MiB');
    expect(seconds(0.00002)).toBe('20 µs');
    expect(seconds(0.25)).toBe('250 ms');
    expect(seconds(75)).toBe('1 min 15 s');
    expect(seconds(90_000)).toBe('1.0 days');
  });
});

describe('times', () => {
  const now = Date.UTC(2026, 0, 10, 12);
  test('near ones are told as a distance, far ones as a date', () => {
    expect(ago(now - 10_000, now)).toBe('just now');
    expect(ago(now - 5 * 60_000, now)).toBe('5 min ago');
    expect(ago(now - 3 * 3600_000, now)).toBe('3 h ago');
    expect(ago(now - 40 * 86_400_000, now)).toMatch(/2025/);
  });
  test('the hover is UTC', () => {
    expect(utc('2013-07-01T05:00:00Z')).toBe('2013-07-01 05:00:00 UTC');
  });
});

test('a digest is told by its first digits', () => {
  expect(shortDigest('sha256:0123456789abcdef0123')).toBe('0123456789ab');
});
