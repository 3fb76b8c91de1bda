import { expect, test } from 'vitest';
import { appears, csvOf } from './download';

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

test('a picture is waited for until it is drawn, and not for ever', async () => {
  const area = document.createElement('div');
  const drawn = appears(area, 'svg');
  area.append(document.createElement('p'));
  const svg = document.createElementNS('http://www.w3.org/2000/svg', 'svg');
  area.firstElementChild?.append(svg);
  expect(await drawn).toBe(svg);
  expect(await appears(area, 'svg')).toBe(svg);
  expect(await appears(area, 'canvas', 1)).toBeNull();
});
