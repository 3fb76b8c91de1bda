// Each page on the flights demo's state, in both themes: it shows its facts, axe finds nothing, nothing leaves the server.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { api, launch, open } from './browser.mjs';

let browser;
const PAGES = {};

before(async () => {
  browser = await launch();
  const [alerts, reviews, runs, datasets] = await Promise.all([
    api('/alerts?limit=1'),
    api('/reviews?limit=1'),
    api('/runs?limit=3'),
    api('/sources'),
  ]);
  const run = runs.items.map((each) => each.run_id);
  const weather = datasets.items.find((each) => each.dataset === 'weather');
  Object.assign(PAGES, {
    home: ['/', 'late'],
    runs: ['/runs', 'auc'],
    run: [`/runs/${run[0]}`, 'Parameters'],
    compare: [`/runs/compare?ids=${run.join(',')}`, 'differ'],
    models: ['/models', 'late'],
    model: ['/models/late', 'champion'],
    'model-version': ['/models/late/1', 'auc'],
    'model-diff': ['/models/late/diff?from=1&to=2', 'carrier'],
    data: ['/data', 'weather'],
    dataset: ['/data/weather', 'accepted'],
    'dataset-version': [`/data/weather/${weather.versions}`, 'temp'],
    'dataset-diff': [`/data/weather/diff?from=${weather.versions - 1}&to=${weather.versions}`, 'visib'],
    pipeline: ['/pipeline', 'train'],
    deployments: ['/deployments', 'late'],
    deployment: ['/deployments/late', 'stable'],
    monitoring: ['/monitoring', 'late'],
    monitor: ['/monitoring/late', 'auc'],
    feature: ['/monitoring/late/visib', 'visib'],
    alerts: ['/alerts', 'late'],
    alert: [`/alerts/${alerts.items[0].id}`, 'window'],
    reviews: ['/reviews', 'open'],
    review: [`/reviews/${reviews.items[0].id}`, 'Reason'],
    lineage: ['/lineage?node=model:late@1', 'train'],
    impact: ['/impact', 'USD'],
    audit: ['/audit', 'release'],
    settings: ['/settings', 'store'],
  });
});
after(() => browser?.close());

const NAMES = [
  'home',
  'runs',
  'run',
  'compare',
  'models',
  'model',
  'model-version',
  'model-diff',
  'data',
  'dataset',
  'dataset-version',
  'dataset-diff',
  'pipeline',
  'deployments',
  'deployment',
  'monitoring',
  'monitor',
  'feature',
  'alerts',
  'alert',
  'reviews',
  'review',
  'lineage',
  'impact',
  'audit',
  'settings',
];

describe('pages', () => {
  for (const name of NAMES)
    for (const scheme of ['light', 'dark'])
      test(`${name}, ${scheme}`, async () => {
        const [path, words] = PAGES[name];
        const tab = await open(browser, { scheme });
        await tab.go(path);
        await tab.shot(`${name}-${scheme}`);
        const text = await tab.page.locator('main').innerText();
        assert.ok(
          text.toLowerCase().includes(words.toLowerCase()),
          `${path} does not say '${words}': ${text.slice(0, 600)}`,
        );
        assert.equal(
          await tab.page.locator('[role="alert"]').count(),
          0,
          await tab.page.locator('[role="alert"]').allInnerTexts().then(String),
        );
        await tab.accessible(path);
        await tab.close();
      });

  test('a phone sees alerts and reviews without scrolling sideways', async () => {
    for (const path of ['/', '/alerts', '/reviews']) {
      const tab = await open(browser, { width: 390, height: 844 });
      await tab.go(path);
      const [wide, seen] = await tab.page.evaluate(() => [document.documentElement.scrollWidth, innerWidth]);
      assert.ok(wide <= seen, `${path} is ${wide} px wide on a screen of ${seen}`);
      await tab.close();
    }
  });
});
