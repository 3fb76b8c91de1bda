// Changes by real clicks, as the server has them afterwards; and changes by programs, as an open page shows them without being loaded again.
import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { after, before, describe, test } from 'node:test';
import { call, KEY, launch, open, openAs } from './browser.mjs';

let browser;
before(async () => {
  browser = await launch();
});
after(() => browser?.close());

const dialog = (page) => page.getByRole('dialog');
const PATIENCE = { timeout: 30_000 };

/** A page that is not loaded again: the mark would be gone. */
const mark = (page) => page.evaluate(() => Object.assign(window, { stillTheSame: true }));
const sameAsBefore = (page) => page.evaluate(() => window.stillTheSame === true);

describe('clicks change the server', { concurrency: false }, () => {
  test('columns of the runs are chosen and taken away, and the address keeps them', async () => {
    const tab = await open(browser);
    const { page } = tab;
    const header = page.getByRole('columnheader', { name: 'threshold' });
    await tab.go('/runs');
    assert.equal(await header.count(), 0);
    await page.getByRole('button', { name: /^Columns \(/ }).click();
    await dialog(page).getByLabel('Search columns').fill('threshold');
    await dialog(page).getByRole('checkbox', { name: 'Show metrics.threshold' }).click();
    await header.waitFor();
    const columns = () => (new URL(page.url()).searchParams.get('columns') ?? '').split(',');
    assert.ok(columns().includes('metrics.threshold'), page.url());
    await dialog(page).getByLabel('Which value of metrics.threshold').selectOption('max');
    await page.waitForURL(/metrics\.threshold(~|%7E)max/);
    await page.keyboard.press('Escape');
    await page.reload();
    await tab.settled();
    assert.equal(await page.getByRole('columnheader', { name: 'threshold max' }).count(), 1);
    await page.getByRole('button', { name: /^Columns \(/ }).click();
    await dialog(page).getByRole('button', { name: 'Take metrics.threshold away' }).click();
    await header.waitFor({ state: 'hidden' });
    assert.ok(!page.url().includes('threshold'), page.url());
    assert.ok(columns().length > 1, 'the other columns stay');
    await tab.close();
  });

  test('an alias is moved, and moved back', async () => {
    await call('admin', 'PUT', '/models/late/aliases/tried', { version: 1, why: 'for a test' });
    const tab = await openAs(browser, 'admin');
    const { page } = tab;
    await tab.go('/models/late?alias=tried');
    await page.getByRole('button', { name: 'Move tried' }).click();
    await dialog(page).getByText('Now it stands for version 1.').waitFor();
    const move = dialog(page).getByRole('button', { name: 'Move', exact: true });
    await dialog(page).getByLabel('Reason').fill('it is the better one');
    assert.ok(await move.isDisabled(), 'no version is chosen yet');
    await dialog(page).getByLabel('Version').selectOption('2');
    await move.click();
    await dialog(page).waitFor({ state: 'hidden' });
    const alias = () => call('admin', 'GET', '/models/late/aliases/tried');
    const moved = await alias();
    assert.deepEqual([moved.version, moved.why, moved.subject], [2, 'it is the better one', 'admin.flights']);
    const moves = page.getByRole('region', { name: 'Moves of tried' });
    await moves.getByText('it is the better one').waitFor();
    await page.getByRole('button', { name: 'Move it back' }).click();
    await dialog(page).getByLabel('Reason').fill('it was not');
    await dialog(page).getByRole('button', { name: 'Move it back' }).click();
    await dialog(page).waitFor({ state: 'hidden' });
    assert.equal((await alias()).version, 1);
    await moves.getByText('it was not').waitFor();
    await tab.close();
  });

  test('a signature is verified by its key, and another key is refused in the words of the server', async () => {
    const tab = await open(browser);
    const { page } = tab;
    const verify = async (key) => {
      await dialog(page).getByLabel('Public key (PEM)').fill(key);
      const asked = page.waitForResponse((response) => response.url().endsWith('/signatures/verify'));
      await dialog(page).getByRole('button', { name: 'Verify' }).click();
      return asked;
    };
    await tab.go('/models/late/2');
    await page.getByRole('button', { name: 'Verify with a key' }).click();
    const { publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const refused = await verify(publicKey.export({ type: 'spki', format: 'pem' }));
    assert.ok(refused.status() >= 400, String(refused.status()));
    const { detail } = await refused.json();
    assert.equal(await dialog(page).getByRole('alert').locator('strong').innerText(), detail);
    assert.equal(await page.getByText('the signature holds').count(), 0);
    const held = await verify(KEY);
    assert.equal(held.status(), 200, await held.text());
    await dialog(page).waitFor({ state: 'hidden' });
    await page.getByText('the signature holds').waitFor();
    await page
      .locator('main')
      .getByText((await held.json()).key_id.slice(0, 16))
      .first()
      .waitFor();
    await tab.close();
  });

  test('classified values are shown to an approver who asks for them, and that is a line of the audit chain', async () => {
    const lines = async () =>
      (await call('admin', 'GET', '/audit/search?kind=dataset.quarantine.read&subject=approver.flights')).total;
    const before = await lines();
    const tab = await openAs(browser, 'approver');
    const { page } = tab;
    await tab.go('/data/crew/1?tab=quarantine');
    const row = page.getByRole('table', { name: 'Rows in quarantine' }).locator('[role="row"].data');
    await row.getByText('hidden').waitFor();
    assert.ok(!(await page.content()).includes('Amelia'));
    assert.equal(await lines(), before, 'nothing was shown yet');
    await page.getByRole('button', { name: /^Show them/ }).click();
    await row.getByText('Amelia').waitFor();
    assert.equal(await lines(), before + 1);
    await page.getByRole('button', { name: 'Hide them' }).click();
    await row.getByText('hidden').waitFor();
    assert.ok(!(await page.content()).includes('Amelia'));
    await tab.close();
  });

  test('a reader is not offered classified values, and the server keeps them', async () => {
    const tab = await openAs(browser, 'reader');
    const { page } = tab;
    await tab.go('/data/crew/1?tab=quarantine');
    await page.getByText('An approver or admin may see them').waitFor();
    assert.equal(await page.getByRole('button', { name: /^Show them/ }).count(), 0);
    const rows = await call('reader', 'GET', '/datasets/crew/versions/1/quarantine?masked=false');
    assert.ok(!JSON.stringify(rows).includes('Amelia'), JSON.stringify(rows));
    assert.equal(rows.total, 1);
    await tab.close();
  });
});

describe('a page follows what programs do', { concurrency: false }, () => {
  const mlflow = (path, body) => call('admin', 'POST', `/api/2.0/mlflow${path}`, body);
  const metric = (run_id, key, value, step) =>
    mlflow('/runs/log-metric', { run_id, key, value, step, timestamp: 1_700_000_000_000 + step });

  test('metrics and a parameter of a run that is watched', async () => {
    const { experiment_id } = await mlflow('/experiments/create', { name: `watched ${Date.now()}` });
    const { run } = await mlflow('/runs/create', { experiment_id, run_name: 'watched', start_time: Date.now() });
    const id = run.info.run_id;
    await metric(id, 'loss', 0.5, 1);
    const tab = await openAs(browser, 'reader');
    const { page } = tab;
    await tab.go(`/runs/${id}?kind=param`);
    await mark(page);
    await mlflow('/runs/log-parameter', { run_id: id, key: 'depth', value: 'seven' });
    await page.getByRole('cell', { name: 'seven' }).waitFor(PATIENCE);
    await metric(id, 'loss', 0.25, 2);
    await page.locator('main').getByText('last, at step 2').waitFor(PATIENCE);
    // The curve, by the table behind it.
    await page.getByRole('tab', { name: /^Metrics over steps/ }).click();
    await page.getByRole('button', { name: 'loss: table and downloads' }).click();
    await page.getByRole('menuitem', { name: 'Show as a table' }).click();
    const rows = page.getByRole('region', { name: 'loss: table' }).locator('tbody tr');
    await rows.nth(1).waitFor();
    assert.equal(await rows.count(), 2);
    await metric(id, 'loss', 0.125, 3);
    await rows.nth(2).waitFor(PATIENCE);
    assert.match(await rows.nth(2).innerText(), /^3\s+0\.125$/);
    await mlflow('/runs/update', { run_id: id, status: 'FINISHED', end_time: Date.now() });
    await page.locator('.subtitle').getByText('finished').waitFor(PATIENCE);
    assert.ok(await sameAsBefore(page), 'the page was loaded again');
    await tab.close();
  });

  test('an alert that somebody else looks after', async () => {
    const alerts = await call('admin', 'GET', '/alerts?state=firing&limit=100');
    const { id } = alerts.items.at(-1);
    const tab = await openAs(browser, 'admin');
    const { page } = tab;
    await tab.go(`/alerts/${id}`);
    await page.getByRole('button', { name: 'Look after it' }).waitFor();
    await mark(page);
    await call('admin', 'POST', `/alerts/${id}/ack`, { why: 'I am on it' });
    await page.locator('.subtitle').getByText('acknowledged').waitFor(PATIENCE);
    await page.getByRole('button', { name: 'Look after it' }).waitFor({ state: 'hidden' });
    await page.locator('main').getByText('I am on it').first().waitFor();
    assert.ok(await sameAsBefore(page), 'the page was loaded again');
    await tab.close();
  });

  test('the arms of a deployment, when requests come', async () => {
    const { inputs } = await call('reader', 'GET', '/v2/models/late');
    const known = { carrier: 'AA', origin: 'EWR', dest: 'ATL', weekday: 3, distance: 500, origin_load: 10 };
    const body = {
      inputs: inputs.map(({ name, datatype }) => ({ name, datatype, shape: [1, 1], data: [known[name] ?? 0] })),
    };
    const tab = await openAs(browser, 'reader');
    const { page } = tab;
    await tab.go('/deployments/late');
    const cells = page
      .getByRole('region', { name: 'Arms and what they do' })
      .locator('tbody tr')
      .filter({ hasText: 'stable' })
      .locator('td');
    const answers = async () => Number((await cells.nth(3).innerText()).replace(/\D/g, ''));
    const before = await answers();
    await mark(page);
    for (let i = 0; i < 5; i += 1) await call('reader', 'POST', '/v2/models/late/infer', body);
    const live = await call('reader', 'GET', '/deployments/late/live');
    const given = live.arms.find((arm) => arm.arm === 'stable').answers;
    assert.ok(given > before, `${given} answers, ${before} before`);
    await page.waitForFunction(
      (wanted) =>
        [...document.querySelectorAll('[aria-label="Arms and what they do"] tbody tr')].some(
          (row) =>
            row.textContent.includes('stable') &&
            Number(row.querySelectorAll('td')[3].textContent.replace(/\D/g, '')) >= wanted,
        ),
      given,
      PATIENCE,
    );
    await page.getByRole('region', { name: 'Latency' }).getByRole('img').waitFor();
    assert.ok(await sameAsBefore(page), 'the page was loaded again');
    await tab.close();
  });
});
