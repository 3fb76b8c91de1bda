// The lines of a search as a file: all pages, as far as the limit.
import { get, type Page, type Query } from '@/api/client';
import { csvOf } from '@/charts/download';

export interface AuditLine {
  sequence: number;
  recorded_at: string;
  event_time: string;
  subject: string;
  via: string;
  request_id: string;
  kind: string;
  node: string;
  before: string;
  after: string;
  why: string;
  body: unknown;
  hash: string;
}

export const MOST_LINES = 100_000;
const PAGE = 500;

/** All lines of a search, newest first; `seen` hears how many there are so far. */
export async function allLines(query: Query, seen: (lines: number) => void, signal: AbortSignal): Promise<AuditLine[]> {
  const out: AuditLine[] = [];
  let after: string | null = '';
  while (after !== null && out.length < MOST_LINES && !signal.aborted) {
    const page: Page<AuditLine> = await get('/audit/search', { ...query, limit: PAGE, after }, signal);
    out.push(...page.items);
    after = page.next;
    seen(out.length);
  }
  return out;
}

const FIELDS = [
  'sequence',
  'recorded_at',
  'event_time',
  'subject',
  'via',
  'request_id',
  'kind',
  'node',
  'before',
  'after',
  'why',
  'hash',
] as const;

export const linesAsCsv = (lines: AuditLine[]) =>
  csvOf({
    columns: [...FIELDS, 'body'],
    rows: lines.map((line) => [...FIELDS.map((field) => line[field]), JSON.stringify(line.body)]),
  });

export const linesAsJson = (lines: AuditLine[]) => `${JSON.stringify(lines, null, 1)}\n`;
