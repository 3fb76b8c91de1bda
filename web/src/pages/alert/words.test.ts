import { describe, expect, it } from 'vitest';
import { groupTitle, plainOf, verdictOf } from './words';

const alert = { kind: 'drift', subject: 'visib', value: 0.41, limit: 0.25, arm: 'all', version: 0, evidence: {} };

describe('plainOf', () => {
  it('says what is wrong before any statistic', () => {
    expect(plainOf(alert)).toBe('visib is not as taught: distance 0.41; limit 0.25');
    expect(plainOf({ ...alert, kind: 'nulls', value: 0.17, limit: 0.1 })).toBe('17 % of visib are missing; limit 10 %');
    expect(
      plainOf({
        ...alert,
        kind: 'nulls',
        value: 0.16,
        limit: 0.1,
        evidence: { null_rate: 0.17, reference_null_rate: 0.01 } as never,
      }),
    ).toBe('17 % of visib are missing, 1 % when the model was taught');
    expect(
      plainOf({
        ...alert,
        kind: 'performance',
        subject: 'auc',
        version: 2,
        value: 0.641,
        limit: 0.65,
        evidence: { direction: 'below' },
      }),
    ).toBe('auc of version 2 is 0.641; at least 0.65 is wanted');
  });
});

describe('groupTitle', () => {
  it('names months, causes and the unknown', () => {
    expect(groupTitle('month', '2013-10', '')).toContain('2013');
    expect(groupTitle('cause', 'dataset:weather@10', 'x')).toBe('weather@10');
    expect(groupTitle('cause', '', 'x')).toBe('No cause found');
    expect(groupTitle('deployment', 'late', 'late')).toBe('late');
  });
});

describe('verdictOf', () => {
  it('has a word for what nobody has looked at', () => {
    expect(verdictOf(null)[0]).toBe('not traced yet');
    expect(verdictOf('cause')).toEqual(['cause found', 'ok']);
  });
});
