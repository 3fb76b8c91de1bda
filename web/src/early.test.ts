import { expect, test, vi } from 'vitest';
import { get, post, target } from '@/api/client';
import type { Address } from '@/parts/address';
import { rowsQuery } from '@/runs/state';
import { asksOf } from './early';

const asked = (address: Record<string, string>, memory: Address | null = null) =>
  asksOf('/ui/runs', `?${new URLSearchParams(address)}`, memory && JSON.stringify(memory));
const wanted = (address: Address) => ['/session', target('/runs', rowsQuery(address)).replace('/api/millrace/v1', '')];

test.each([
  {},
  { experiment: '3,4', filter: "metrics.auc > 0.5 AND tags.a = 'x&y'", order: 'metrics.auc DESC' },
  { columns: '-' },
  { columns: 'metrics.val/auc~max,metrics.val/auc,params.depth,tags.a~b', differ: '1', pick: 'r' },
])('the rows of %j are asked for as the page asks for them', (address) => {
  expect(asked(address as Record<string, string>)).toEqual(wanted(address as Address));
});

test('without a choice it is the last one that is asked for', () => {
  const last = { filter: 'metrics.auc > 0.9' };
  expect(asked({}, last)).toEqual(wanted(last));
  expect(asked({ pick: 'r' }, last)).toEqual(wanted(last));
  expect(asked({ order: 'metrics.auc ASC' }, last)).toEqual(wanted({ order: 'metrics.auc ASC' }));
  expect(asksOf('/ui/runs', '', 'no JSON')).toEqual(['/session']);
  expect(asksOf('/ui/runs/compare', '', null)).toEqual(['/session']);
});

test('an answer is taken once, and never after a change', async () => {
  const fetched = vi.fn(
    async () => new Response('{"from":"now"}', { headers: { 'content-type': 'application/json' } }),
  );
  vi.stubGlobal('fetch', fetched);
  const early = () =>
    Promise.resolve(new Response('{"from":"early"}', { headers: { 'content-type': 'application/json' } }));
  globalThis.millraceEarly = new Map([[target('/session'), early()]]);
  expect(await get('/session')).toEqual({ from: 'early' });
  expect(await get('/session')).toEqual({ from: 'now' });
  globalThis.millraceEarly = new Map([[target('/session'), early()]]);
  await post('/session', {});
  expect(await get('/session')).toEqual({ from: 'now' });
  vi.unstubAllGlobals();
});
