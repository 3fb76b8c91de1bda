// How numbers, times and names look everywhere. Shown numbers are rounded; the exact value is one hover away.

const plain = new Intl.NumberFormat(undefined, { maximumFractionDigits: 0 });

/** 12,345 or 1.3 M from a million on. */
export function count(value: number | null | undefined): string {
  if (value === null || value === undefined) return '–';
  if (Math.abs(value) >= 1e9) return `${(value / 1e9).toFixed(2)} G`;
  if (Math.abs(value) >= 1e6) return `${(value / 1e6).toFixed(2)} M`;
  return plain.format(value);
}

/** About `digits` significant digits; never an exponent between 1e-4 and 1e7. */
export function number(value: number | null | undefined, digits = 4): string {
  if (value === null || value === undefined) return '–';
  if (!Number.isFinite(value)) return String(value);
  if (value === 0) return '0';
  const size = Math.abs(value);
  if (size >= 1e7 || size < 1e-4) return value.toExponential(Math.max(0, digits - 1));
  if (Number.isInteger(value)) return plain.format(value);
  return value.toLocaleString(undefined, { maximumSignificantDigits: digits });
}

export function percent(share: number | null | undefined, digits = 1): string {
  if (share === null || share === undefined) return '–';
  return `${(share * 100).toFixed(digits)} %`;
}

/** A part of a whole: what is not nothing is never shown as 0 %. */
export function partOf(few: number, all: number): string {
  if (all <= 0) return '–';
  if (few === 0) return '0 %';
  return few / all < 0.0001 ? '< 0.01 %' : percent(few / all, few / all < 0.1 ? 2 : 1);
}

export function bytes(value: number | null | undefined): string {
  if (value === null || value === undefined) return '–';
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
  let index = 0;
  let rest = value;
  while (rest >= 1024 && index < units.length - 1) {
    rest /= 1024;
    index += 1;
  }
  return `${index === 0 ? rest : rest.toFixed(1)} ${units[index]}`;
}

export function seconds(value: number | null | undefined): string {
  if (value === null || value === undefined) return '–';
  if (value < 0.001) return `${Math.round(value * 1e6)} µs`;
  if (value < 1) return `${(value * 1e3).toFixed(value < 0.1 ? 1 : 0)} ms`;
  if (value < 60) return `${value.toFixed(1)} s`;
  if (value < 3600) return `${Math.floor(value / 60)} min ${Math.round(value % 60)} s`;
  if (value < 86_400) return `${Math.floor(value / 3600)} h ${Math.round((value % 3600) / 60)} min`;
  return `${(value / 86_400).toFixed(1)} days`;
}

export const millis = (value: number | null | undefined) =>
  value === null || value === undefined ? '–' : seconds(value / 1000);

const day = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium' });
const moment = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'medium' });

export const localTime = (at: string | number) => moment.format(new Date(at));
export const localDay = (at: string | number) => day.format(new Date(at));
export const utc = (at: string | number) => `${new Date(at).toISOString().replace('T', ' ').slice(0, 19)} UTC`;

/** "3 min ago"; older than a week as a date. */
export function ago(at: string | number, now = Date.now()): string {
  const past = (now - new Date(at).getTime()) / 1000;
  if (past < 0) return localTime(at);
  if (past < 45) return 'just now';
  if (past < 3600) return `${Math.max(1, Math.round(past / 60))} min ago`;
  if (past < 86_400) return `${Math.round(past / 3600)} h ago`;
  if (past < 7 * 86_400) return `${Math.round(past / 86_400)} d ago`;
  return localDay(at);
}

/** "psi" stays, "alert.fired" becomes "alert fired". */
export const words = (text: string) => text.replace(/[._]/g, ' ');
export const capital = (text: string) => (text ? text[0].toUpperCase() + text.slice(1) : text);
export const shortDigest = (digest: string) =>
  digest.startsWith('sha256:') ? digest.slice(7, 19) : digest.slice(0, 12);
