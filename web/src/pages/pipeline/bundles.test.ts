import { describe, expect, it } from 'vitest';
import { bundles } from './bundles';
import type { StageRun } from './types';

const run = (stage: string, started_at: string, ended_at: string | null): StageRun => ({
  id: null,
  job: null,
  stage,
  node: '',
  run_id: null,
  state: 'done',
  error: null,
  started_at,
  ended_at,
  seconds: null,
  reused: false,
});

describe('bundles', () => {
  it('puts runs that follow each other together, the newest first', () => {
    const found = bundles([
      run('a', '2026-01-01T10:00:00Z', '2026-01-01T10:05:00Z'),
      run('b', '2026-01-01T10:06:00Z', '2026-01-01T10:20:00Z'),
      run('a', '2026-01-02T10:00:00Z', null),
    ]);
    expect(found.map((bundle) => bundle.map((each) => each.stage))).toEqual([['a'], ['b', 'a']]);
  });
  it('is empty without runs', () => expect(bundles([])).toEqual([]));
});
