// A real Chromium for the tests, and what every page must keep: no request to the outside, no error in the console,
// nothing that the Content-Security-Policy stops, no violation of axe's rules.
import assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { AxeBuilder } from '@axe-core/playwright';
import { chromium } from 'playwright-core';

export const BASE = need('MILLRACE_UI_URL'); // a server on the flights demo's state
export const LOGIN_BASE = process.env.MILLRACE_UI_LOGIN_URL; // the same, but it wants a token
export const TOKENS = JSON.parse(process.env.MILLRACE_UI_TOKENS ?? '{}'); // role -> token
export const SCALE_BASE = process.env.MILLRACE_UI_SCALE_URL; // a server on 100,000 runs
export const KEY = process.env.MILLRACE_UI_KEY; // the public half of the key that signed late@2, on the first server
const SHOTS = process.env.MILLRACE_UI_SHOTS; // a folder for screenshots

function need(name) {
  const value = process.env[name];
  if (!value) throw new Error(`${name} is not set; run tests/web/run`);
  return value;
}

export const api = async (path, base = BASE) => {
  const answer = await fetch(`${base}/api/millrace/v1${path}`);
  assert.equal(answer.status, 200, `${path}: ${answer.status} ${await answer.clone().text()}`);
  return answer.json();
};

/** Any call of the server that wants a token, as a role; the answer's body. */
export async function call(role, method, path, body) {
  const answer = await fetch(
    `${LOGIN_BASE}${path.startsWith('/api/') || path.startsWith('/v2/') ? path : `/api/millrace/v1${path}`}`,
    {
      method,
      headers: { authorization: `Bearer ${TOKENS[role]}`, 'content-type': 'application/json' },
      body: body === undefined ? undefined : JSON.stringify(body),
    },
  );
  const text = await answer.text();
  assert.ok(answer.ok, `${method} ${path}: ${answer.status} ${text}`);
  return text ? JSON.parse(text) : undefined;
}

/** Signs in by the form; what comes of it is for the test to see. */
export async function signIn(tab, token) {
  await tab.page.goto(`${LOGIN_BASE}/ui/`);
  await tab.page.getByLabel('Access token').fill(token);
  await tab.page.getByRole('button', { name: 'Sign in' }).click();
}

/** A page of the server that wants a token, signed in as a role. */
export async function openAs(browser, role, options = {}) {
  const tab = await open(browser, { ...options, base: LOGIN_BASE });
  await signIn(tab, TOKENS[role]);
  await tab.settled();
  return tab;
}

export async function launch() {
  return chromium.launch({
    executablePath: process.env.MILLRACE_CHROMIUM ?? '/usr/bin/chromium',
    // Without a sandbox of its own it runs as root too; it opens nothing but our own pages.
    args: ['--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage', '--enable-precise-memory-info'],
  });
}

/** A page that notes what it must not do. `close` checks the notes. */
export async function open(browser, { scheme = 'light', base = BASE, width = 1440, height = 900 } = {}) {
  // Without motion a dialog is there at once: axe does not look at what is half faded in.
  const context = await browser.newContext({
    colorScheme: scheme,
    viewport: { width, height },
    acceptDownloads: true,
    reducedMotion: 'reduce',
  });
  const page = await context.newPage();
  const wrong = [];
  const sizes = [];
  page.on('request', (request) => {
    const url = request.url();
    if (!url.startsWith(base) && !url.startsWith('data:') && !url.startsWith('blob:'))
      wrong.push(`a request to the outside: ${url}`);
  });
  page.on('response', async (response) => {
    const length = Number(response.headers()['content-length'] ?? 0);
    if (response.url().includes('/ui/')) sizes.push({ url: response.url(), bytes: length });
  });
  page.on('console', (message) => {
    // Chromium itself writes a line for each answer of 4xx; what the page makes of it is tested elsewhere.
    if (message.type() === 'error' && !message.text().startsWith('Failed to load resource'))
      wrong.push(`console: ${message.text()}`);
  });
  page.on('pageerror', (error) => wrong.push(`error: ${error.message}`));
  let clicks = 0;
  return {
    page,
    sizes,
    wrong,
    /** Opens a page and waits until nothing is loading. */
    async go(path) {
      await page.goto(`${base}/ui${path}`, { waitUntil: 'domcontentloaded' });
      await this.settled();
    },
    async settled() {
      await page.locator('h1').first().waitFor({ timeout: 30_000 });
      await page.waitForFunction(() => !document.querySelector('[aria-busy="true"]'), undefined, { timeout: 30_000 });
      await page.waitForTimeout(250);
    },
    /** A click that counts. */
    async click(locator) {
      clicks += 1;
      await locator.first().click({ timeout: 30_000 });
    },
    get clicks() {
      return clicks;
    },
    async shot(name) {
      if (!SHOTS) return;
      mkdirSync(SHOTS, { recursive: true });
      await page.screenshot({ path: join(SHOTS, `${name}.png`), fullPage: false });
    },
    async accessible(where) {
      const found = await new AxeBuilder({ page })
        .withTags(['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'])
        .analyze();
      const text = found.violations.map(
        (violation) =>
          `${violation.id}: ${violation.help}\n  ${violation.nodes
            .slice(0, 3)
            .map((node) => node.html.slice(0, 200))
            .join('\n  ')}`,
      );
      assert.deepEqual(text, [], `axe at ${where}`);
    },
    async close() {
      await context.close();
      assert.deepEqual(wrong, []);
    },
  };
}
