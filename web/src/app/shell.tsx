// The frame around every page: navigation, search, theme, who is signed in; and the sign-in page before it.
import { Button, Loader, Menu, UnstyledButton, useComputedColorScheme, useMantineColorScheme } from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import { Link, Outlet, useRouter } from '@tanstack/react-router';
import { useEffect, useRef, useState } from 'react';
import { ApiError, get, onSignedOut, remove } from '@/api/client';
import { useLive } from '@/api/live';
import { client, useGet } from '@/api/queries';
import { type Session, SessionContext } from '@/api/session';
import { IconButton, Problem } from '@/parts/basics';
import { count } from '@/parts/format';
import { Icon } from './icons';
import mark from './mark.svg';
import { PAGES } from './pages';
import { Palette } from './palette';
import { SignIn } from './signin';

function Theme() {
  const { setColorScheme } = useMantineColorScheme();
  const scheme = useComputedColorScheme('light');
  return (
    <IconButton
      label={scheme === 'dark' ? 'Light theme' : 'Dark theme'}
      onClick={() => setColorScheme(scheme === 'dark' ? 'light' : 'dark')}
    >
      <Icon name="theme" />
    </IconButton>
  );
}

function Who({ session, signedOut }: { session: Session; signedOut: () => void }) {
  const leave = async () => {
    await remove('/session').catch(() => {});
    client.clear();
    signedOut();
  };
  return (
    <Menu position="bottom-end">
      <Menu.Target>
        <UnstyledButton className="clip" style={{ maxWidth: 220, fontSize: 13 }}>
          {session.subject}
        </UnstyledButton>
      </Menu.Target>
      <Menu.Dropdown>
        <Menu.Label>
          {session.roles.join(', ')} in {session.workspace}
        </Menu.Label>
        {session.session ? (
          <Menu.Item onClick={leave}>Sign out</Menu.Item>
        ) : (
          <Menu.Item disabled>on this machine, without a token</Menu.Item>
        )}
      </Menu.Dropdown>
    </Menu>
  );
}

/** Open alerts beside their name in the navigation. */
function Firing() {
  const alerts = useGet<{ items: unknown[]; total?: number }>('/alerts', { state: 'firing', limit: 1 });
  const total = alerts.data?.total ?? 0;
  if (!total) return null;
  return (
    <span className="state badge" data-tone="bad">
      {count(total)}
      <span style={{ position: 'absolute', left: -9999 }}> firing</span>
    </span>
  );
}

/** Scrolls the line of pages on a phone so that the page one is on is seen in it; the window stays where it is. */
function showActive(line: HTMLElement | null) {
  const item = line?.querySelector('.item[data-status="active"]')?.getBoundingClientRect();
  if (!line || !item) return;
  const seen = line.getBoundingClientRect();
  if (item.left < seen.left) line.scrollLeft += item.left - seen.left - 6;
  else if (item.right > seen.right) line.scrollLeft += item.right - seen.right + 6;
}

function Navigation() {
  const router = useRouter();
  const line = useRef<HTMLElement>(null);
  useEffect(() => {
    // With the next picture: to measure any sooner would lay the page out once more before it is first seen.
    const show = () => requestAnimationFrame(() => showActive(line.current));
    show();
    return router.subscribe('onRendered', show);
  }, [router]);
  let group = '';
  return (
    <nav className="nav" aria-label="Pages" ref={line}>
      <Link to="/" className="brand">
        <img src={mark} alt="" />
        Millrace
      </Link>
      {PAGES.flatMap((page) => {
        const head =
          page.group !== group && page.group
            ? [
                <div key={page.group} className="group">
                  {page.group}
                </div>,
              ]
            : [];
        group = page.group;
        return [
          ...head,
          <Link
            key={page.to}
            to={page.to}
            className="item"
            activeOptions={{ exact: page.to === '/', includeSearch: false }}
          >
            <Icon name={page.icon} />
            {page.title}
            {page.to === '/alerts' && <Firing />}
          </Link>,
        ];
      })}
    </nav>
  );
}

function Frame({ session, signedOut }: { session: Session; signedOut: () => void }) {
  const [searching, search] = useDisclosure(false);
  useLive(true);
  return (
    <SessionContext.Provider value={session}>
      <a className="skip" href="#page">
        Skip to the page
      </a>
      <div className="frame">
        <Navigation />
        <div style={{ minWidth: 0 }}>
          <header className="top">
            <Button
              variant="default"
              size="compact-md"
              leftSection={<Icon name="search" />}
              rightSection={<span className="kbd">ctrl K</span>}
              onClick={search.open}
              fw={400}
              c="var(--quiet)"
            >
              Search
            </Button>
            <div style={{ flex: 1 }} />
            <Theme />
            <Who session={session} signedOut={signedOut} />
          </header>
          <main id="page" tabIndex={-1} style={{ outline: 'none' }}>
            <Outlet />
          </main>
        </div>
      </div>
      <Palette opened={searching} onOpen={search.open} onClose={search.close} />
    </SessionContext.Provider>
  );
}

let known: Session | null | undefined; // null: nobody is signed in

const askSession = () =>
  get<Session>('/session').catch((problem) => {
    if (problem instanceof ApiError && problem.status === 401) return null;
    throw problem;
  });

/** Asks who is there before anything is drawn. A problem is found, and told, when the frame asks again. */
export const meet = () =>
  askSession().then(
    (session) => {
      known = session;
    },
    () => {},
  );

export function Shell() {
  const [session, setSession] = useState(known);
  const [error, setError] = useState<ApiError>();
  const look = () => {
    setError(undefined);
    askSession().then(setSession, setError);
  };
  // biome-ignore lint/correctness/useExhaustiveDependencies: once
  useEffect(() => {
    onSignedOut(() => setSession(null));
    if (session === undefined) look();
  }, []);
  if (error)
    return (
      <div className="page">
        <Problem error={error} again={look} />
      </div>
    );
  if (session === undefined)
    return (
      <div className="empty" aria-busy="true">
        <Loader aria-label="Loading" />
      </div>
    );
  if (session === null) return <SignIn onDone={setSession} />;
  return <Frame session={session} signedOut={look} />;
}
