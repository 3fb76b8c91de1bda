import { afterEach, expect, test, vi } from 'vitest';
import { ApiError, get, onSignedOut, part, parts, post } from './client';

afterEach(() => vi.unstubAllGlobals());

const failure = (work: Promise<unknown>) =>
  work.then(
    () => expect.fail('it did not fail'),
    (error) => error as ApiError,
  );

const answers = (status: number, body: unknown, type = 'application/json') =>
  vi.stubGlobal(
    'fetch',
    vi.fn(async () => new Response(JSON.stringify(body), { status, headers: { 'content-type': type } })),
  );

test('empty parameters do not travel, others are escaped', async () => {
  answers(200, { items: [] });
  await get('/alerts', { state: '', deployment: 'a&b', limit: 5, after: undefined });
  expect(vi.mocked(fetch).mock.calls[0][0]).toBe('/api/millrace/v1/alerts?deployment=a%26b&limit=5');
});

test("an error keeps the server's words and its way out", async () => {
  answers(
    409,
    { title: 'conflict', detail: 'version 3 is not approved', hint: 'approve it first', field: 'version' },
    'application/problem+json',
  );
  const error = await failure(post('/deployments/late/releases', { version: 3 }));
  expect(error).toBeInstanceOf(ApiError);
  expect([error.status, error.message, error.hint, error.field]).toEqual([
    409,
    'version 3 is not approved',
    'approve it first',
    'version',
  ]);
});

test('who is no longer known is told once, and not by the session itself', async () => {
  const out = vi.fn();
  onSignedOut(out);
  answers(401, { detail: 'sign in' });
  await get('/session').catch(() => {});
  expect(out).not.toHaveBeenCalled();
  await get('/fleet').catch(() => {});
  expect(out).toHaveBeenCalledOnce();
});

test('a server that is away says so', async () => {
  vi.stubGlobal(
    'fetch',
    vi.fn(async () => Promise.reject(new TypeError('failed to fetch'))),
  );
  const error = await failure(get('/status'));
  expect([error.status, error.message]).toEqual([0, 'the server does not answer']);
});

test('names become parts of a path', () => {
  expect(part('a/b c')).toBe('a%2Fb%20c');
  expect(parts('window:late/all@2013')).toBe('window%3Alate/all%402013');
});
