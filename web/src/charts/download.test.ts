import { expect, test } from 'vitest';
import { csvOf } from './download';

test('a CSV quotes what must be quoted and holds no formula', () => {
  const table = {
    columns: ['name', 'value'],
    rows: [
      ['a,b', 1.5],
      ['say "no"', null],
      ['=1+1', -2],
      ['two\nlines', 0],
    ],
  };
  expect(csvOf(table)).toBe('name,value\r\n"a,b",1.5\r\n"say ""no""",\r\n\'=1+1,-2\r\n"two\nlines",0\r\n');
});
