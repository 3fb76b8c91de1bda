// Signing in with a token, what a reader is not offered, and ending a session.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { LOGIN_BASE, launch, open, signIn, TOKENS } from './browser.mjs';

let browser;
before(async () => {
  browser = await launch();
});
after(() => browser?.close());

test('a wrong token is refused in words, a good one opens the fleet, the cookie is out of reach of scripts', async () => {
  const tab = await open(browser, { base: LOGIN_BASE });
  await signIn(tab, 'mr_not-a-token-that-exists');
  assert.match(await tab.page.getByRole('alert').innerText(), /token/i);
  await tab.accessible('the sign-in page');
  await tab.shot('signin-light');
  await signIn(tab, TOKENS.reader);
  await tab.settled();
  assert.equal(await tab.page.evaluate(() => document.cookie), '');
  const cookie = (await tab.page.context().cookies()).find((each) => each.name === 'millrace_session');
  assert.ok(cookie.httpOnly && cookie.sameSite === 'Strict', JSON.stringify(cookie));
  assert.ok(
    !(await tab.page.evaluate(
      (token) => JSON.stringify({ ...localStorage, ...sessionStorage }).includes(token),
      TOKENS.reader,
    )),
  );
  await tab.close();
});

test('a reader is not offered what a reader may not do, and the server refuses it too', async () => {
  const tab = await open(browser, { base: LOGIN_BASE });
  await signIn(tab, TOKENS.reader);
  await tab.settled();
  await tab.go('/deployments/late');
  assert.equal(await tab.page.getByRole('button', { name: /roll ?back/i }).count(), 0);
  const status = await tab.page.evaluate(
    async () =>
      (
        await fetch('/api/millrace/v1/deployments/late/rollback', {
          method: 'POST',
          headers: { 'content-type': 'application/json' },
          body: '{"why":"no"}',
        })
      ).status,
  );
  assert.equal(status, 403);
  await tab.close();
  const other = await open(browser, { base: LOGIN_BASE });
  await signIn(other, TOKENS.approver);
  await other.settled();
  await other.go('/deployments/late');
  assert.ok((await other.page.getByRole('button', { name: /roll ?back/i }).count()) > 0);
  await other.close();
});

test('signing out ends the session on the server', async () => {
  const tab = await open(browser, { base: LOGIN_BASE });
  await signIn(tab, TOKENS.reader);
  await tab.settled();
  const cookie = (await tab.page.context().cookies()).find((each) => each.name === 'millrace_session');
  await tab.page.getByRole('banner').getByRole('button').last().click();
  await tab.page.getByRole('menuitem', { name: 'Sign out' }).click();
  await tab.page.getByLabel('Access token').waitFor();
  const answer = await fetch(`${LOGIN_BASE}/api/millrace/v1/fleet`, {
    headers: { cookie: `millrace_session=${cookie.value}` },
  });
  assert.equal(answer.status, 401);
  await tab.close();
});

test('a foreign page can change nothing', async () => {
  for (const headers of [{ origin: 'http://evil.example' }, { origin: 'null' }]) {
    const answer = await fetch(`${process.env.MILLRACE_UI_URL}/api/millrace/v1/deployments/late/rollback`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body: '{"why":"from elsewhere"}',
    });
    assert.equal(answer.status, 403, JSON.stringify(headers));
  }
});
