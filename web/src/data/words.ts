// A check's outcome in plain words: "17 % of age is missing; limit less than 10 %".
import { count, number, words } from '@/parts/format';
import type { Check, ColumnProfile, FailingRule, Limit } from './types';

const share = (value: number) => `${number(value * 100, 3)} %`;

/** A check's number in its unit. */
export function measured(value: number | null, unit: string): string {
  if (value === null) return 'no value';
  switch (unit) {
    case 'share':
      return share(value);
    case 'percent':
      return `${number(value, 3)} %`;
    case 'rows':
      return `${count(value)} ${value === 1 ? 'row' : 'rows'}`;
    case 'h':
      return `${number(value, 3)} h`;
    case 'm':
      return `${number(value, 3)} min`;
    case 'd':
      return `${number(value, 3)} days`;
    case 's':
      return `${number(value, 3)} s`;
    case 'columns':
    case 'steps':
      return `${count(value)} ${unit}`;
    default:
      return unit.startsWith('rows per') ? `${number(value)} ${unit}` : number(value);
  }
}

/** What was allowed: "less than 2 %", "from 64 to 75 rows per day". */
export function allowed(limit: Limit | undefined, unit: string): string {
  const [name, value] = Object.entries(limit ?? {})[0] ?? [];
  if (name === undefined || value === undefined) return '';
  if (Array.isArray(value)) {
    const [low, high] = value;
    if (low === high) return low === 0 ? 'none' : `exactly ${measured(low, unit)}`;
    const text = `${measured(low, unit).replace(/ (rows?|%|h|min|days|s|columns|steps)( per \w+)?$/, '')} to ${measured(high, unit)}`;
    return name === 'mustNotBeBetween' ? `outside ${text}` : `from ${text}`;
  }
  const text = measured(value, unit);
  switch (name) {
    case 'mustBe':
      return value === 0 ? 'none' : `exactly ${text}`;
    case 'mustNotBe':
      return `not ${text}`;
    case 'mustBeGreaterThan':
      return `more than ${text}`;
    case 'mustBeGreaterOrEqualTo':
      return `at least ${text}`;
    case 'mustBeLessThan':
      return `less than ${text}`;
    case 'mustBeLessOrEqualTo':
      return `at most ${text}`;
    default:
      return `${words(name)} ${text}`;
  }
}

const OF_ROWS: Record<string, string> = {
  required: 'no value',
  type: 'a value of another type',
  range: 'a value outside its range',
  pattern: 'a value that does not fit the pattern',
  set: 'a value that is not one of those allowed',
  length: 'a text that is too short or too long',
  multiple: 'a value that is no whole multiple',
};

/** What was found. `id` names the rule where nothing better does. */
export function said(id: string, check: Check): string {
  const columns = check.columns.join(', ') || 'the batch';
  if (check.skipped) return `${id} was not checked: ${check.skipped}`;
  const value = measured(check.value, check.unit);
  const rows = check.rows ?? (check.unit === 'rows' ? (check.value ?? 0) : null);
  const has = rows === 1 ? 'has' : 'have';
  switch (check.kind) {
    case 'null_rate':
      return `${value} of ${columns} ${check.unit === 'rows' ? 'are' : 'is'} missing`;
    case 'unique':
      return rows === 0 ? `${columns}: no row is there twice` : `${value} repeat ${columns} of another row`;
    case 'foreign_key':
      return `${value} of ${columns} ${check.value === 0 ? 'lack' : 'are'} ${check.value === 0 ? 'a match' : 'not found where they are looked up'}`;
    case 'expression':
      return `${rows === null || check.unit === 'rows' ? value : `${count(rows)} ${rows === 1 ? 'row' : 'rows'} (${value})`} break the rule between ${columns}`;
    case 'conditional_rate':
      return `${value} of the rows looked at meet the condition on ${columns}`;
    case 'row_count':
      return `${value} came`;
    case 'freshness':
      return `the newest ${columns} is ${value} before the end${check.note ? `, ${check.note}` : ''}`;
    case 'distribution':
      return `the distribution of ${columns} has moved by ${value} since the version before`;
    case 'anomaly':
      return `${columns} is ${value} of the deviation that is allowed`;
    case 'correlation':
      return `${columns} correlate by ${value}`;
    case 'statistic':
      return `the statistic of ${columns} is ${value}`;
    case 'sequence':
      return `${value} are missing or out of order in ${columns}`;
    case 'column_order':
      return `${value} are not in their place`;
    default:
      return OF_ROWS[check.kind] && rows !== null
        ? `${count(rows)} ${rows === 1 ? 'row' : 'rows'} ${has} ${OF_ROWS[check.kind]} in ${columns}`
        : `${words(check.kind)} of ${columns} is ${value}`;
  }
}

/** A rule that failed, in a line: its own words where somebody wrote them. */
export function failed(rule: FailingRule): string {
  const rows = rule.rows === null ? '' : `${count(rule.rows)} ${rule.rows === 1 ? 'row' : 'rows'}`;
  if (rule.text.includes('{') || rule.text === rule.rule) return rows ? `${rows} break ${rule.rule}` : rule.rule;
  return rows ? `${rows}: ${rule.text}` : rule.text;
}

/** Failed first, then what could not be checked, then the rest; heavier ones first. */
export function ordered(checks: Record<string, Check>, alerts: { rule: string }[]): [string, Check][] {
  const place = new Map(alerts.map((alert, index) => [alert.rule, index]));
  const weight = ([id, check]: [string, Check]) =>
    check.ok === false ? (place.get(id) ?? alerts.length) : check.ok === null ? 1e6 : 2e6;
  return Object.entries(checks).sort((a, b) => weight(a) - weight(b) || a[0].localeCompare(b[0]));
}

export const OUTCOME: Record<string, string> = {
  quarantine: 'rows that break it are set aside',
  drop: 'rows that break it are left out',
  fail: 'the batch is refused when it breaks',
  warn: 'it is only told',
};

const TIMES = new Set(['timestamp', 'date', 'time']);
export const isTime = (type: string) => TIMES.has(type);
/** Numbers of times are microseconds since the epoch. */
export const showerOf = (type: string): ((value: number) => string) =>
  isTime(type)
    ? (value) =>
        new Date(value / 1000)
          .toISOString()
          .slice(0, type === 'date' ? 10 : 16)
          .replace('T', ' ')
    : plain;

/** Bars of a column: its histogram, or its most frequent values with all others. */
export function barsOf(column: ColumnProfile): { label: string; rows: number }[] {
  const there = column.rows - column.nulls - column.wrong_type;
  if (column.histogram) {
    const { edges, counts } = column.histogram;
    const open = counts.length === edges.length + 1;
    return counts.map((rows, index) => {
      const low = open ? edges[index - 1] : edges[index];
      const high = open ? edges[index] : edges[index + 1];
      return { label: between(low, high, showerOf(column.type)), rows };
    });
  }
  if (column.true !== null && column.true !== undefined)
    return [
      { label: 'false', rows: there - column.true },
      { label: 'true', rows: column.true },
    ];
  if (!column.top) return [];
  const top = column.top.map((each) => ({ label: each.value, rows: each.count }));
  const rest = there - top.reduce((sum, each) => sum + each.rows, 0);
  return rest > 0 ? [...top, { label: 'all others', rows: rest }] : top;
}

/** A value as it stands in the data: a year has no thousands. */
export const plain = (value: number) =>
  Number.isInteger(value) && Math.abs(value) < 10_000 ? String(value) : number(value);

/** A bin in words; one that has no lower or upper end is open. */
export function between(
  low: number | undefined,
  high: number | undefined,
  show: (value: number) => string = plain,
): string {
  if (low === undefined && high === undefined) return 'all';
  if (low === undefined) return `below ${show(high as number)}`;
  return high === undefined ? `from ${show(low)}` : `${show(low)} to ${show(high)}`;
}
