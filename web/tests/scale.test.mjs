// 100,000 runs with 10,000 metric keys: the browser holds a page of it, never all.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { launch, open, SCALE_BASE } from './browser.mjs';

let browser;
before(async () => {
  browser = await launch();
});
after(() => browser?.close());

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
