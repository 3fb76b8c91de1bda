import { describe, expect, it } from 'vitest';
import { type AuditLine, linesAsCsv, linesAsJson } from './export';

const line: AuditLine = {
  sequence: 7,
  recorded_at: '2026-01-01T00:00:00Z',
  event_time: '2026-01-01T00:00:00Z',
  subject: 'ann',
  via: 'ui',
  request_id: 'r1',
  kind: 'release.created',
  node: 'release:late@1',
  before: '',
  after: 'sha256:ab',
  why: '=SUM(A1), "quoted"',
  body: { number: 1 },
  hash: 'ff',
};

describe('an exported line', () => {
  it('keeps its fields in CSV, and is no formula', () => {
    const [head, row] = linesAsCsv([line]).split('\r\n');
    expect(head).toBe('sequence,recorded_at,event_time,subject,via,request_id,kind,node,before,after,why,hash,body');
    expect(row).toContain('"\'=SUM(A1), ""quoted"""');
    expect(row.endsWith('"{""number"":1}"')).toBe(true);
  });
  it('is the same in JSON', () => expect(JSON.parse(linesAsJson([line]))).toEqual([line]));
});
