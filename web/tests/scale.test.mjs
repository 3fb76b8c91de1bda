// 100,000 runs with 10,000 metric keys: the browser holds a page of it, never all.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { launch, open, SCALE_BASE } from './browser.mjs';

let browser;
before(async () => {
  browser = await launch();
});
after(() => browser?.close());

const asksOf = (page) => {
  const asks = [];
  page.on('request', (request) => {
    const at = new URL(request.url());
    if (at.pathname.startsWith('/api/')) asks.push(at.pathname.replace('/api/millrace/v1', '') + at.search);
  });
  return asks;
};

test('rows are asked for at once, and wait for no count and no list of columns', async () => {
  const tab = await open(browser, { base: SCALE_BASE });
  const asks = asksOf(tab.page);
  let count;
  const held = new Promise((resolve) => {
    count = resolve;
  });
  await tab.page.route('**/runs/total*', async (route) => {
    await held;
    await route.continue();
  });
  const filter = encodeURIComponent('metrics.auc > 0.25'); // nobody has counted it
  await tab.page.goto(`${SCALE_BASE}/ui/runs?filter=${filter}`);
  await tab.page.locator('[role="row"].data').first().waitFor();
  assert.deepEqual(
    asks.slice(0, 2).map((each) => each.split('?')[0]),
    ['/session', '/runs'],
    `other things are asked for first: ${asks}`,
  );
  await tab.page.getByRole('columnheader', { name: 'auc' }).waitFor(); // the columns came with the rows
  const foot = tab.page.locator('.list-foot');
  await foot.getByText('100 rows').waitFor(); // no total is made up
  count();
  await foot.getByText(/100 of \d\d[,.\s]?\d\d\d/).waitFor();
  const rows = asks.filter((each) => each.startsWith('/runs?'));
  assert.equal(rows.length, 1, `the first rows are asked for more than once: ${rows}`);
  const query = new URLSearchParams(rows[0].split('?')[1]);
  assert.deepEqual([query.get('columns'), query.get('total')], ['common', 'false']);
  for (const path of ['/runs/columns', '/experiments'])
    assert.ok(!asks.some((each) => each.startsWith(path)), `${path} is asked for though nobody looks at it`);
  await tab.close();
});

test('pages after the first have its columns', async () => {
  const tab = await open(browser, { base: SCALE_BASE });
  const asks = asksOf(tab.page);
  await tab.page.goto(`${SCALE_BASE}/ui/runs`);
  await tab.page.locator('[role="row"].data').first().waitFor();
  await tab.page
    .locator('.list-body')
    .first()
    .evaluate((body) => body.scrollTo(0, body.scrollHeight));
  await tab.page.locator('[role="row"][aria-rowindex="102"]').waitFor();
  const next = asks.find((each) => each.startsWith('/runs?') && each.includes('after='));
  assert.match(new URLSearchParams(next.split('?')[1]).get('columns'), /^metrics\.auc,metrics\.loss,/);
  await tab.close();
});

test('the table of runs is usable, and the tab stays small', async (t) => {
  const tab = await open(browser, { base: SCALE_BASE });
  const started = performance.now();
  await tab.page.goto(`${SCALE_BASE}/ui/runs`);
  await tab.page.locator('[role="row"].data').first().waitFor();
  t.diagnostic(`first rows after ${Math.round(performance.now() - started)} ms`); // told, not judged: the machine is shared
  await tab.settled();
  assert.match(await tab.page.locator('main').innerText(), /100[,.\s]?000/);
  assert.ok((await tab.page.locator('[role="row"].data').count()) < 100, 'rows that nobody sees are in the document');
  for (let page = 0; page < 12; page += 1) {
    await tab.page
      .locator('.list-body')
      .first()
      .evaluate((body) => body.scrollTo(0, body.scrollHeight));
    await tab.page.waitForTimeout(150);
  }
  await tab.settled();
  const heap = await tab.page.evaluate(() => performance.memory.usedJSHeapSize);
  t.diagnostic(
    `heap ${(heap / 1048576).toFixed(0)} MiB, ${await tab.page.evaluate(() => document.querySelectorAll('*').length)} elements`,
  );
  assert.ok(heap < 300 * 1024 * 1024, `${heap} bytes`);
  await tab.close();
});
