// What a chart gives away: SVG, PNG and CSV, of a canvas and of a figure; the words of the server where it refuses; and commands to copy.
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { after, before, describe, test } from 'node:test';
import { api, BASE, launch, open, openAs } from './browser.mjs';

let browser;
let alone; // a page of nobody, which files are read in
before(async () => {
  browser = await launch();
  alone = await browser.newPage();
});
after(() => browser?.close());

/** The file that a menu's item of a chart gives. */
async function download(page, chart, item) {
  await page.getByRole('button', { name: `${chart}: table and downloads` }).click();
  const started = page.waitForEvent('download', { timeout: 30_000 });
  await page.getByRole('menuitem', { name: item }).click();
  const file = await started;
  return { name: file.suggestedFilename(), bytes: await readFile(await file.path()) };
}

/** What an SVG holds, as a browser reads it on its own. */
const read = (text) =>
  alone.evaluate((source) => {
    const parsed = new DOMParser().parseFromString(source, 'image/svg+xml');
    const svg = parsed.documentElement;
    const marks = [...parsed.querySelectorAll('path[d], circle, rect, line')];
    return {
      error: parsed.querySelector('parsererror')?.textContent,
      tag: svg.localName,
      away: /position|left:/.test(svg.getAttribute('style') ?? ''),
      width: Number(svg.getAttribute('width')),
      height: Number(svg.getAttribute('height')),
      lines: [...parsed.querySelectorAll('[aria-label="line"] path')].map((path) => path.getAttribute('d').length),
      texts: [...parsed.querySelectorAll('text')].map((each) => each.textContent),
      nowhere: /NaN|undefined/.test(source),
      dots: parsed.querySelectorAll('[aria-label="dot"] circle').length,
      marks: marks.length,
      foreign: [...parsed.querySelectorAll('*')].some((each) => /var\(--/.test(each.getAttribute('style') ?? '')),
    };
  }, text);

/** How many colours a picture has: 1 is an empty one. */
const colours = (bytes) =>
  alone.evaluate(async (data) => {
    const image = new Image();
    image.src = `data:image/png;base64,${data}`;
    await image.decode();
    const canvas = new OffscreenCanvas(image.width, image.height).getContext('2d');
    canvas.drawImage(image, 0, 0);
    return new Set(new Uint32Array(canvas.getImageData(0, 0, image.width, image.height).data.buffer)).size;
  }, bytes.toString('base64'));

async function looked(page, chart) {
  const svg = await download(page, chart, 'Download SVG');
  assert.match(svg.name, /\.svg$/);
  const found = await read(svg.bytes.toString('utf8'));
  assert.equal(found.error, undefined);
  assert.equal(found.tag, 'svg');
  assert.equal(found.nowhere, false, 'a mark has no place');
  assert.equal(found.away, false, 'it lies out of sight');
  assert.equal(found.foreign, false, 'colours of the style sheet are written out');
  assert.ok(found.width > 200 && found.height > 100, JSON.stringify(found));
  const png = await download(page, chart, 'Download PNG');
  assert.match(png.name, /\.png$/);
  assert.equal(png.bytes.subarray(0, 8).toString('hex'), '89504e470d0a1a0a');
  const size = [png.bytes.readUInt32BE(16), png.bytes.readUInt32BE(20)];
  assert.ok(
    Math.abs(size[0] - 2 * found.width) <= 2 && Math.abs(size[1] - 2 * found.height) <= 2,
    `${size} of an SVG of ${found.width} x ${found.height}`,
  );
  assert.ok((await colours(png.bytes)) > 8, 'the picture is empty');
  const csv = await download(page, chart, 'Download CSV');
  assert.match(csv.name, /\.csv$/);
  const lines = csv.bytes.toString('utf8').trimEnd().split('\r\n');
  await page.getByRole('button', { name: `${chart}: table and downloads` }).click();
  await page.getByRole('menuitem', { name: 'Show as a table' }).click();
  const table = page.getByRole('region', { name: `${chart}: table` });
  await table.waitFor();
  assert.equal(lines.length - 1, await table.locator('tbody tr').count());
  assert.ok(lines.length > 2, lines.join('\n'));
  const heads = (await table.locator('thead th').allTextContents()).map((each) => each.trim());
  assert.equal(lines[0], heads.join(','));
  // While its table is shown, the picture is still to be had.
  const again = await download(page, chart, 'Download SVG');
  const second = await read(again.bytes.toString('utf8'));
  assert.deepEqual([second.lines.length, second.dots], [found.lines.length, found.dots]);
  await table.waitFor();
  return { ...found, rows: lines.length - 1 };
}

describe('charts as files', { concurrency: false }, () => {
  test('a series, which is a canvas on the page', async () => {
    const tab = await open(browser);
    await tab.go('/monitoring/late');
    await tab.page.locator('section.card canvas').first().waitFor();
    const title = await tab.page.locator('section.card:has(canvas) h2').first().innerText();
    const found = await looked(tab.page, title);
    const { metrics } = await api('/deployments/late/performance?windows=26');
    const { series } = metrics.find((each) => title.toLowerCase().startsWith(each.title.toLowerCase()));
    const named = series.filter((each) => found.texts.includes(`${each.arm} ${each.model}@${each.version}`));
    assert.ok(named.length > 0, JSON.stringify(found.texts));
    assert.ok(found.lines.length >= 1 && found.lines.some((length) => length > 50), JSON.stringify(found));
    await tab.close();
  });

  test('a figure: one dot for each row of its table', async () => {
    const tab = await open(browser);
    await tab.go('/monitoring/late');
    const card = tab.page.getByRole('region', { name: 'Calibration', exact: true });
    await card.scrollIntoViewIfNeeded();
    await card.locator('[aria-label="dot"] circle').first().waitFor();
    const found = await looked(tab.page, 'Calibration');
    assert.equal(found.dots, found.rows, JSON.stringify(found));
    await tab.close();
  });
});

describe('words', { concurrency: false }, () => {
  test('a refusal is shown as the server says it, with its hint, and nothing has changed', async () => {
    const tab = await openAs(browser, 'approver');
    const { page } = tab;
    await tab.go('/deployments/late');
    await page.getByRole('button', { name: 'New release' }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByLabel('Version of late').selectOption('3'); // its gates failed
    await dialog.getByLabel('Reason').fill('to see it refused');
    const asked = page.waitForResponse((response) => response.request().method() === 'POST');
    await dialog.getByRole('button', { name: 'Release', exact: true }).click();
    const answer = await asked;
    assert.ok(answer.status() >= 400 && answer.status() < 500, String(answer.status()));
    const said = await answer.json();
    assert.ok(said.detail && said.hint, JSON.stringify(said));
    const alert = dialog.getByRole('alert');
    assert.equal(await alert.locator('strong').innerText(), said.detail);
    assert.equal(await alert.locator('.hint').innerText(), said.hint);
    assert.equal(await dialog.getByLabel('Reason').inputValue(), 'to see it refused', 'what was typed stays');
    await page.keyboard.press('Escape');
    await dialog.waitFor({ state: 'hidden' });
    assert.equal(await page.locator('main').getByText('to see it refused').count(), 0);
    await tab.close();
  });

  test('a page of something that is not there says so in the words of the server', async () => {
    const tab = await open(browser);
    const answer = await fetch(`${BASE}/api/millrace/v1/models/late/versions/99`);
    assert.equal(answer.status, 404);
    const said = await answer.json();
    await tab.go('/models/late/99');
    const alert = tab.page.getByRole('alert');
    await alert.waitFor();
    assert.equal(await alert.locator('strong').innerText(), said.detail);
    if (said.hint) assert.equal(await alert.locator('.hint').innerText(), said.hint);
    await tab.close();
  });

  test('what is empty has the command that fills it, to be copied', async () => {
    const tab = await open(browser);
    const { page } = tab;
    await page.context().grantPermissions(['clipboard-read', 'clipboard-write'], { origin: BASE });
    await tab.go('/settings?tab=access');
    await page.getByText('No token yet').waitFor();
    const command = 'millrace token create --subject NAME --role reader';
    await page.getByRole('button', { name: `Copy the command ${command}` }).click();
    await page.getByText('copied').waitFor();
    assert.equal(await page.evaluate(() => navigator.clipboard.readText()), command);
    await tab.close();
  });
});
