// What people come for, each in at most four clicks from the home page; typing is free.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { api, LOGIN_BASE, launch, open, TOKENS } from './browser.mjs';

const MOST = 4;
let browser;
before(async () => {
  browser = await launch();
});
after(() => browser?.close());

function task(name, work) {
  test(name, async (t) => {
    const tab = await open(browser);
    await tab.go('/');
    await work(tab, tab.page);
    t.diagnostic(`${tab.clicks} clicks`);
    assert.ok(tab.clicks <= MOST, `${tab.clicks} clicks`);
    await tab.close();
  });
}

const navigate = (tab, name) =>
  tab.click(tab.page.getByRole('navigation', { name: 'Pages' }).getByRole('link', { name }));
const row = (page, text) => page.locator('[role="row"].data').filter({ hasText: text });
const says = async (page, pattern) => {
  await page.locator('main').getByText(pattern).first().waitFor({ timeout: 30_000 });
};

describe('tasks', { concurrency: false }, () => {
  task('find why the alert fired', async (tab, page) => {
    await tab.click(page.locator('main a[href*="/alerts/"]'));
    await tab.settled();
    await says(page, /why/i);
    const id = decodeURIComponent(new URL(page.url()).pathname.split('/').pop());
    const story = await api(`/alerts/${id}/story`);
    assert.ok(story.steps.length >= 1, JSON.stringify(story));
    for (const step of story.steps) await says(page, step.title);
  });

  task('see which change upstream broke the weather', async (tab, page) => {
    const alerts = await api('/alerts?limit=200');
    const broken = alerts.items.find((item) => item.trace?.verdict === 'cause' && item.subject === 'temp');
    await navigate(tab, /Alerts/);
    await tab.settled();
    await page.keyboard.press('Control+k');
    await page.getByRole('combobox', { name: 'Search everything' }).fill('temp');
    await page.getByRole('option').filter({ hasText: /alert/ }).first().waitFor();
    await page.keyboard.press('Escape');
    await page.goto(page.url().replace(/\/alerts.*/, `/alerts/${broken.id}`)); // the link of a message
    await tab.settled();
    await says(page, /weather/);
  });

  task('roll back with a reason, and put it back', async (tab, page) => {
    const before = await api('/deployments/late/releases');
    await tab.click(row(page, 'late').locator('a').first());
    await tab.settled();
    await tab.click(page.getByRole('button', { name: /^Roll back/ }));
    await page.getByRole('dialog').getByLabel('Reason').fill('tried by a test');
    await tab.click(page.getByRole('dialog').getByRole('button', { name: /roll back/i }));
    await page.getByRole('dialog').waitFor({ state: 'hidden' });
    const now = await api('/deployments/late/releases');
    assert.equal(now.items.length, before.items.length + 1);
    assert.equal(now.items[0].reason, 'tried by a test');
    await says(page, 'tried by a test');
  });

  task('compare two versions by group', async (tab, page) => {
    await navigate(tab, 'Models');
    await tab.settled();
    await tab.click(row(page, 'late').locator('a').first());
    await tab.settled();
    await tab.click(page.getByRole('link', { name: /compare|diff/i }));
    await tab.settled();
    await says(page, /carrier/);
    await says(page, /recall/i);
  });

  test('approve a version with a reason', async (t) => {
    const tab = await open(browser, { base: LOGIN_BASE });
    const page = tab.page;
    await page.goto(`${LOGIN_BASE}/ui/`);
    await page.getByLabel('Access token').fill(TOKENS.approver);
    await page.getByRole('button', { name: 'Sign in' }).click();
    await tab.settled();
    await page.keyboard.press('Control+k');
    await page.getByRole('combobox', { name: 'Search everything' }).fill('late@2');
    await page.getByRole('option').filter({ hasText: 'late' }).first().waitFor();
    await page.keyboard.press('Enter');
    await page.waitForURL(/models\/late/);
    await tab.settled();
    await tab.click(page.locator('main').getByRole('button', { name: 'Approve', exact: true }));
    await page.getByRole('dialog').getByLabel('Reason').fill('its gates passed, and I looked at the groups');
    await tab.click(page.getByRole('dialog').getByRole('button', { name: /approve/i }));
    await page.getByRole('dialog').waitFor({ state: 'hidden' });
    await says(page, 'its gates passed, and I looked at the groups');
    await says(page, 'approver.flights');
    t.diagnostic(`${tab.clicks} clicks`);
    assert.ok(tab.clicks <= MOST, `${tab.clicks} clicks`);
    await tab.close();
  });

  task('find the rows that broke the contract', async (tab, page) => {
    await navigate(tab, 'Data');
    await tab.settled();
    await tab.click(page.locator('main').getByRole('link', { name: 'planes', exact: true }));
    await tab.settled();
    await tab.click(page.locator('main a[href*="/data/planes/1"]'));
    await tab.settled();
    const rows = await api('/datasets/planes/versions/1/quarantine?limit=5');
    assert.ok(rows.total > 0);
    await tab.click(page.getByRole('tab', { name: `Set aside (${rows.total})` }));
    const list = page.getByRole('table', { name: 'Rows in quarantine' });
    await list.locator('[role="row"].data').first().waitFor();
    const at = (name) => rows.columns.findIndex((column) => column.name === name);
    for (const each of rows.items) {
      const shown = list.locator('[role="row"].data').filter({ hasText: String(each.values[at('tailnum')]) });
      const cells = await shown.getByRole('cell').allInnerTexts();
      assert.match(cells[1], /is_an_airliner/);
      assert.equal(cells[2 + at('manufacturer')].trim(), each.values[at('manufacturer')]);
      // The rule is about seats and engine: these two are marked, and no other.
      const marked = await shown.locator('.broken').allInnerTexts();
      assert.deepEqual(
        marked.map((text) => text.replace(/\s+breaks .*$/s, '')),
        [each.values[at('seats')], each.values[at('engine')]],
      );
      assert.match(marked[0], /breaks is_an_airliner/);
      assert.match(await shown.locator('.broken').first().getAttribute('title'), /Scheduled carriers/);
    }
  });

  task('look after an alert', async (tab, page) => {
    await navigate(tab, /Alerts/);
    await tab.settled();
    await tab.click(page.locator('main a[href*="/alerts/"]'));
    await tab.settled();
    await tab.click(page.getByRole('button', { name: 'Look after it' }));
    const dialog = page.getByRole('dialog');
    await dialog.getByLabel('Reason').fill('mine');
    await tab.click(dialog.getByRole('button').last());
    await dialog.waitFor({ state: 'hidden' });
    await says(page, /acknowledged/i);
  });

  task('answer a review', async (tab, page) => {
    await tab.click(page.locator('main').getByRole('link', { name: 'reviews and requests' }));
    await tab.settled();
    await tab.click(page.locator('main a[href*="/reviews/"]'));
    await tab.settled();
    const id = decodeURIComponent(new URL(page.url()).pathname.split('/').pop());
    await page.getByLabel('Reason').fill('looked into it: the feed had changed its unit');
    await page.keyboard.press('Escape');
    await tab.click(page.getByRole('button', { name: /^confirmed/i }).or(page.getByText(/^confirmed/i)));
    const confirm = page.getByRole('button', { name: /^(answer|close|decide|send)/i });
    if (await confirm.count()) await tab.click(confirm);
    for (let i = 0; i < 40; i += 1) {
      if ((await api(`/reviews/${id}`)).state !== 'open') return;
      await page.waitForTimeout(250);
    }
    assert.fail('the review is still open');
  });

  task('see what data and code the model in service came from', async (tab, page) => {
    await tab.click(row(page, 'late').locator('a[href*="/models/late/"]'));
    await tab.settled();
    await tab.click(page.getByRole('link', { name: /lineage/i }).last());
    await tab.settled();
    await says(page, /train/);
  });

  task('find the best run', async (tab, page) => {
    await navigate(tab, 'Runs');
    await tab.settled();
    await tab.click(page.getByRole('columnheader').getByRole('button', { name: /auc/i }));
    await tab.settled();
    await tab.click(page.locator('[role="row"].data a').first());
    await tab.settled();
    await says(page, /auc/i);
  });

  task('who released version 2, and why', async (tab, page) => {
    await navigate(tab, 'Audit');
    await tab.settled();
    await page.getByRole('textbox').first().fill('release:late@4');
    await page.keyboard.press('Enter');
    await says(page, /nothing got worse on its tenth/);
  });

  task('what it was worth', async (tab, page) => {
    await navigate(tab, 'Impact');
    await tab.settled();
    await says(page, /USD/);
  });
});
