// What travels: the first load, and what each further page adds.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { BASE, launch, open } from './browser.mjs';

const FIRST = 200 * 1024;
const FURTHER = 100 * 1024;
let browser;
before(async () => {
  browser = await launch();
});
after(() => browser?.close());

test('the first load is at most 200 KiB, each further page at most 100 KiB, compressed', async (t) => {
  const tab = await open(browser);
  const sum = () => tab.sizes.reduce((total, each) => total + each.bytes, 0);
  await tab.go('/');
  const first = sum();
  t.diagnostic(`first load ${(first / 1024).toFixed(1)} KiB`);
  assert.ok(first > 20_000, 'sizes are not known');
  assert.ok(first <= FIRST, `${first} bytes`);
  for (const name of [
    'Alerts',
    'Reviews',
    'Data',
    'Pipeline',
    'Runs',
    'Models',
    'Deployments',
    'Monitoring',
    'Lineage',
    'Impact',
    'Audit',
    'Settings',
  ]) {
    const before = sum();
    await tab.page.getByRole('navigation', { name: 'Pages' }).getByRole('link', { name, exact: false }).first().click();
    await tab.settled();
    const added = sum() - before;
    t.diagnostic(`${name} ${(added / 1024).toFixed(1)} KiB`);
    assert.ok(added <= FURTHER, `${name} adds ${added} bytes`);
  }
  await tab.close();
});

test('files are served packed and immutable, the page itself never kept, with a strict policy', async () => {
  const index = await fetch(`${BASE}/ui/`);
  const policy = index.headers.get('content-security-policy');
  assert.equal(index.headers.get('cache-control'), 'no-store');
  assert.match(policy, /default-src 'self'/);
  assert.match(policy, /frame-ancestors 'none'/);
  assert.ok(!/script-src[^;]*unsafe-inline/.test(policy) && !/style-src [^;]*unsafe-inline/.test(policy), policy);
  const html = await index.text();
  assert.ok(!html.includes('__MILLRACE_NONCE__'));
  const again = await (await fetch(`${BASE}/ui/`)).text();
  const nonce = (text) => /nonce="([^"]+)"/.exec(text)[1];
  assert.notEqual(nonce(html), nonce(again));
  const script = /src="(\/ui\/assets\/first-[^"]+\.js)"/.exec(html)[1];
  for (const coding of ['br', 'gzip']) {
    const file = await fetch(BASE + script, { headers: { 'accept-encoding': coding } });
    assert.equal(file.headers.get('content-encoding'), coding);
    assert.match(file.headers.get('cache-control'), /immutable/);
    assert.ok((await file.text()).length > 1000);
  }
});
