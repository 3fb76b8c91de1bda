// Small parts that every page is made of.
import { ActionIcon, Button, CopyButton, Loader, Tooltip } from '@mantine/core';
import { Link } from '@tanstack/react-router';
import { type ReactNode, useEffect } from 'react';
import type { ApiError } from '@/api/client';
import { ago, localTime, number, utc } from './format';
import { pathOfNode } from './nodes';

export interface Crumb {
  text: string;
  to: string;
}

/** A link to any page by its path below /ui. */
export function To({
  to,
  children,
  className,
  label,
}: {
  to: string;
  children: ReactNode;
  className?: string;
  label?: string;
}) {
  const [path, query] = to.split('?');
  const search = query ? Object.fromEntries(new URLSearchParams(query)) : {};
  return (
    <Link to={path as '/'} search={search as never} className={className} aria-label={label}>
      {children}
    </Link>
  );
}

export function NodeLink({ node, children }: { node: string; children?: ReactNode }) {
  return <To to={pathOfNode(node)}>{children ?? <span className="mono">{node}</span>}</To>;
}

export function PageFrame(props: {
  title: string;
  subtitle?: ReactNode;
  crumbs?: Crumb[];
  actions?: ReactNode;
  children: ReactNode;
}) {
  useEffect(() => {
    document.title = `${props.title} · Millrace`;
  }, [props.title]);
  return (
    <div className="page">
      <div className="page-head">
        <div style={{ minWidth: 0 }}>
          {props.crumbs && (
            <nav className="crumbs" aria-label="Breadcrumbs">
              {props.crumbs.map((crumb, index) => (
                <span key={crumb.to}>
                  {index > 0 && ' / '}
                  <To to={crumb.to}>{crumb.text}</To>
                </span>
              ))}
            </nav>
          )}
          <h1>{props.title}</h1>
          {props.subtitle && <div className="subtitle">{props.subtitle}</div>}
        </div>
        {props.actions && <div className="row">{props.actions}</div>}
      </div>
      {props.children}
    </div>
  );
}

export function Card({
  title,
  actions,
  children,
  id,
}: {
  title?: ReactNode;
  actions?: ReactNode;
  children: ReactNode;
  id?: string;
}) {
  return (
    <section className="card" id={id}>
      {title && (
        <div className="card-head">
          <h2>{title}</h2>
          {actions && <div className="row">{actions}</div>}
        </div>
      )}
      {children}
    </section>
  );
}

export function Stat({ label, value, note }: { label: string; value: ReactNode; note?: ReactNode }) {
  return (
    <div className="card stat">
      <div className="label">{label}</div>
      <div className="value">{value}</div>
      {note && <div className="note">{note}</div>}
    </div>
  );
}

export type Tone = 'ok' | 'warn' | 'bad' | 'quiet';

const TONES: Record<string, Tone> = {
  ok: 'ok',
  passed: 'ok',
  pass: 'ok',
  accepted: 'ok',
  approved: 'ok',
  ready: 'ok',
  fresh: 'ok',
  done: 'ok',
  succeeded: 'ok',
  finished: 'ok',
  held: 'ok',
  resolved: 'ok',
  intact: 'ok',
  stable: 'ok',
  released: 'ok',
  kept: 'ok',
  carried_out: 'ok',
  confirmed: 'ok',
  gates_passed: 'ok',
  fixed: 'ok',
  warn: 'warn',
  warning: 'warn',
  acknowledged: 'warn',
  stale: 'warn',
  waiting: 'warn',
  pending: 'warn',
  open: 'warn',
  canary: 'warn',
  quarantined: 'warn',
  accepted_with_quarantine: 'warn',
  partial: 'warn',
  page: 'bad',
  fail: 'bad',
  failed: 'bad',
  firing: 'bad',
  rejected: 'bad',
  refused: 'bad',
  error: 'bad',
  broken: 'bad',
  cancelled: 'bad',
  dead: 'bad',
  killed: 'bad',
  gates_failed: 'bad',
};

const SHAPES: Record<Tone, ReactNode> = {
  ok: <circle cx="5" cy="5" r="4" />,
  warn: <path d="M5 0.800 9.500 9.200H0.500z" />,
  bad: <path d="M1 1h8v8H1z" transform="rotate(45 5 5) scale(0.850) translate(0.900 0.900)" />,
  quiet: <circle cx="5" cy="5" r="3.200" fill="none" stroke="currentColor" strokeWidth="1.600" />,
};

/** A box to tick in a row of a list. Mantine's is drawn twice and in four elements, and there is one in each row. */
export function Tick({ label, on, onChange }: { label: string; on: boolean; onChange: () => void }) {
  return <input type="checkbox" className="tick" aria-label={label} checked={on} onChange={onChange} />;
}

/** A state: colour, shape and word together. */
export function State({ of, tone, children }: { of: string; tone?: Tone; children?: ReactNode }) {
  const shown = tone ?? TONES[of.toLowerCase().replace(/[ .]/g, '_')] ?? 'quiet';
  return (
    <span className="state" data-tone={shown}>
      <svg viewBox="0 0 10 10" fill="currentColor" aria-hidden="true">
        {SHAPES[shown]}
      </svg>
      {children ?? of.replace(/_/g, ' ').toLowerCase()}
    </span>
  );
}

/** A moment: in the reader's zone, UTC on hover. */
export function Time({ at, relative }: { at: string | number | null | undefined; relative?: boolean }) {
  if (!at) return <span className="dim">–</span>;
  return (
    <time dateTime={new Date(at).toISOString()} title={utc(at)}>
      {relative ? ago(at) : localTime(at)}
    </time>
  );
}

export interface Estimate {
  value: number | null;
  low?: number | null;
  high?: number | null;
}

/** A number with its interval: 0.712 (0.704 to 0.720). */
export function Interval({
  of,
  digits = 3,
  unit = '',
}: {
  of: Estimate | number | null | undefined;
  digits?: number;
  unit?: string;
}) {
  if (of === null || of === undefined) return <span className="dim">–</span>;
  const estimate = typeof of === 'number' ? { value: of } : of;
  const bounded =
    estimate.low !== null && estimate.low !== undefined && estimate.high !== null && estimate.high !== undefined;
  return (
    <span className="number" title={estimate.value === null ? 'no value' : String(estimate.value)}>
      {number(estimate.value, digits)}
      {unit}
      {bounded && (
        <span className="dim">
          {' '}
          ({number(estimate.low, digits)} to {number(estimate.high, digits)})
        </span>
      )}
    </span>
  );
}

export function Command({ text }: { text: string }) {
  return (
    <span className="command">
      <span>{text}</span>
      <CopyButton value={text}>
        {({ copied, copy }) => (
          <Button size="compact-xs" variant="subtle" onClick={copy} aria-label={`Copy the command ${text}`}>
            {copied ? 'copied' : 'copy'}
          </Button>
        )}
      </CopyButton>
    </span>
  );
}

/** Nothing here yet, and what to do next. */
export function Empty({ title, children, command }: { title: string; children?: ReactNode; command?: string }) {
  return (
    <div className="empty">
      <h3>{title}</h3>
      {children && <p>{children}</p>}
      {command && <Command text={command} />}
    </div>
  );
}

/** The server's own words, unchanged, with the way out. */
export function Problem({ error, again }: { error: ApiError; again?: () => void }) {
  return (
    <div className="problem" role="alert">
      <div>
        <strong>{error.message}</strong>
        {error.field && (
          <span>
            {' '}
            (at <code>{error.field}</code>)
          </span>
        )}
      </div>
      {error.hint && <div className="hint">{error.hint}</div>}
      <div className="row" style={{ marginTop: 6 }}>
        {again && (
          <Button size="compact-sm" variant="default" onClick={again}>
            Try again
          </Button>
        )}
        {error.requestId && <span className="dim">request {error.requestId}</span>}
      </div>
    </div>
  );
}

interface Asked<T> {
  data: T | undefined;
  error: ApiError | null;
  isPending: boolean;
  refetch: () => unknown;
}

/** A query's answer, its error, or that it is on its way. */
export function Shown<T>({ of, children }: { of: Asked<T>; children: (data: T) => ReactNode }) {
  if (of.data !== undefined) return <>{children(of.data)}</>;
  if (of.error) return <Problem error={of.error} again={() => of.refetch()} />;
  return (
    <div className="empty" aria-busy="true">
      <Loader size="sm" aria-label="Loading" />
    </div>
  );
}

/** A button with an icon only; its name is its tooltip. */
export function IconButton({ label, onClick, children }: { label: string; onClick: () => void; children: ReactNode }) {
  return (
    <Tooltip label={label}>
      <ActionIcon variant="subtle" color="gray" onClick={onClick} aria-label={label}>
        {children}
      </ActionIcon>
    </Tooltip>
  );
}

/** Names and values below each other. */
export function Facts({ of }: { of: [string, ReactNode][] }) {
  return (
    <table className="plain">
      <tbody>
        {of
          .filter(([, value]) => value !== undefined && value !== null && value !== '')
          .map(([name, value]) => (
            <tr key={name}>
              <th scope="row" style={{ width: '30%' }}>
                {name}
              </th>
              <td style={{ overflowWrap: 'anywhere' }}>{value}</td>
            </tr>
          ))}
      </tbody>
    </table>
  );
}
