// What opens over or within a page (dialogs, menus, the search, expanded rows, tabs, a phone's navigation), in both themes:
// it says what it must, and axe finds nothing.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { call, launch, openAs } from './browser.mjs';

let browser;
let alert;
before(async () => {
  browser = await launch();
  const alerts = await call('admin', 'GET', '/alerts?limit=200');
  alert = alerts.items.find((each) => each.state === 'firing' && each.trace?.candidates?.length > 1)?.id;
  assert.ok(alert, 'no alert that fires has several candidates');
});
after(() => browser?.close());

const button = (name) => async (page) => page.locator('main').getByRole('button', { name }).first().click();
const dialog = (page) => page.getByRole('dialog');
const row = (page, text) => page.locator('[role="row"].data').filter({ hasText: text }).first();
const tokens = async (page) => page.getByText('Tokens and sessions', { exact: true }).click();
const LATE = '/deployments/late';

// name: [path, what is opened, what is seen then, words in it]; neighbours on one path are opened one after the other.
const OPENED = {
  columns: ['/runs', button(/^Columns \(/), dialog, /All, most used first/],
  views: ['/runs', button('Views'), (page) => page.getByRole('menu'), /[Vv]iew/],
  promote: [LATE, button('Promote'), dialog, /becomes the stable arm/],
  hold: [LATE, button('Hold'), dialog, /no longer moves the canary on/],
  'roll-back': [LATE, button('Roll back'), dialog, /answers everything/],
  'release-row': [
    LATE,
    async (page) => row(page, 'nothing got worse on its tenth').getByRole('cell').first().click(),
    (page) => page.locator('section.card').filter({ hasText: /^Release \d/ }),
    /Event time/,
  ],
  approve: ['/models/late/2', button('Approve'), dialog, /You approve exactly these digests/],
  'move-alias': ['/models/late', button('Move champion'), dialog, /An alias that a deployment binds/],
  search: [
    '/models/late',
    async (page) => {
      await page.keyboard.press('Control+k');
      await page.getByRole('combobox', { name: 'Search everything' }).fill('late@2');
    },
    (page) => page.getByRole('option').filter({ hasText: 'model version' }).first(),
    /late/,
  ],
  candidates: [
    () => `/alerts/${alert}`,
    async (page) => page.locator('details.candidate:not([open]) > summary').first().click(),
    (page) => page.locator('details.candidate[open]').nth(1),
    /open it/,
  ],
  acknowledge: [() => `/alerts/${alert}`, button('Look after it'), dialog, /Kept with the decision/],
  findings: [
    '/data/planes/1',
    async (page) => page.getByRole('switch', { name: 'also what holds' }).click(),
    (page) => page.locator('li.finding').filter({ hasText: 'enough_rows' }),
    /held/,
  ],
  'chart-menu': [
    '/monitoring/late',
    button('Calibration: table and downloads'),
    (page) => page.getByRole('menu'),
    /Download SVG/,
  ],
  'audit-line': [
    '/audit',
    async (page) => row(page, /./).getByRole('cell').first().click(),
    (page) => page.locator('section.card').filter({ hasText: /Line \d+/ }),
    /Hash of the line/,
  ],
  stage: ['/pipeline', button('train'), (page) => page.getByRole('button', { name: 'Close the stage' }), /×/],
  session: [
    '/settings',
    tokens,
    (page) => row(page.getByRole('table', { name: 'Sessions of browsers' }), 'admin.flights'), // others sign in meanwhile
    /admin.flights/,
  ],
  who: [
    '/settings',
    async (page) => page.getByRole('banner').getByRole('button', { name: 'admin.flights' }).click(),
    (page) => page.getByRole('menu'),
    /Sign out/,
  ],
  'new-token': [
    '/settings',
    async (page) => {
      await tokens(page);
      await button('New token')(page);
    },
    dialog,
    /A name for people and programs/,
  ],
};

describe('opened', { concurrency: false }, () => {
  let tab;
  let at;
  before(async () => {
    tab = await openAs(browser, 'admin');
  });
  after(() => tab.close());

  for (const [name, [where, act, seen, words]] of Object.entries(OPENED))
    test(name, async () => {
      const { page } = tab;
      const path = typeof where === 'string' ? where : where();
      if (path === at) {
        await page.keyboard.press('Escape');
        await page.locator('[role="dialog"], [role="menu"]').first().waitFor({ state: 'hidden' });
      } else await tab.go(path);
      at = undefined; // until all is well
      await act(page);
      await seen(page).waitFor({ timeout: 30_000 });
      for (const scheme of ['light', 'dark']) {
        await page.emulateMedia({ colorScheme: scheme });
        await page.locator(`html[data-mantine-color-scheme="${scheme}"]`).waitFor();
        await tab.settled();
        assert.match(await seen(page).innerText(), words);
        await tab.shot(`opened-${name}-${scheme}`);
        await tab.accessible(`${name}, opened, ${scheme}`);
      }
      at = path;
    });

  test('a phone reaches every page by its navigation', async () => {
    await tab.page.setViewportSize({ width: 390, height: 844 });
    const { page } = tab;
    await tab.go('/');
    const links = page.getByRole('navigation', { name: 'Pages' }).getByRole('link');
    assert.ok((await links.count()) > 10);
    for (const name of ['Runs', 'Settings']) {
      const link = links.filter({ hasText: name });
      await link.click();
      await page.getByRole('heading', { level: 1, name }).waitFor();
      await tab.settled();
      const [wide, there] = await page.evaluate(() => [document.documentElement.scrollWidth, innerWidth]);
      assert.ok(wide <= there, `${name} is ${wide} px wide on a screen of ${there}`);
      // The link of the page one is on is in sight.
      await page.waitForFunction(
        (text) => {
          const active = document.querySelector('nav[aria-label="Pages"] .item[data-status="active"]');
          const box = active?.getBoundingClientRect();
          return active?.textContent.startsWith(text) && box.left >= 0 && box.right <= innerWidth;
        },
        name,
        { timeout: 30_000 },
      );
      await tab.shot(`opened-phone-${name.toLowerCase()}`);
      await tab.accessible(`${name} on a phone`);
    }
  });
});
