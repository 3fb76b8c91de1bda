// Why a row was set aside, and which of its values the broken rules are about.
import type { Check } from './types';

export interface Reasoned {
  reasons: string[] | string | null;
}

export const rulesOf = ({ reasons }: Reasoned): string[] =>
  (Array.isArray(reasons) ? reasons : (reasons ?? '').split(',')).map((rule) => rule.trim()).filter(Boolean);

/** The row's broken rules that are about this column. A rule between columns is about each of them. */
export const brokenBy = (row: Reasoned, column: string, checks: Record<string, Check>): string[] =>
  rulesOf(row).filter((rule) => checks[rule]?.columns.includes(column));
