// What the contract found, failed rules first: plain words, the limit, and below it what statistics there are.
import { Switch } from '@mantine/core';
import { useAddress } from '@/parts/address';
import { Card, State } from '@/parts/basics';
import { count, number, words } from '@/parts/format';
import type { Check, Report } from './types';
import { allowed, measured, OUTCOME, ordered, said } from './words';

function Statistics({ check }: { check: Check }) {
  const parts = [
    check.effect !== undefined && `effect ${number(check.effect, 3)}`,
    check.p_value !== undefined && `p ${number(check.p_value, 3)}`,
    check.interval &&
      `interval ${measured(check.interval[0], check.unit)} to ${measured(check.interval[1], check.unit)}`,
    check.of !== undefined && check.of > 0 && `of ${count(check.of)} rows`,
    check.note,
  ].filter(Boolean);
  return parts.length > 0 ? <div className="dim small-text">{parts.join(', ')}</div> : null;
}

function Slices({ check }: { check: Check }) {
  const bad = (check.slices ?? []).filter((slice) => !slice.ok);
  if (bad.length === 0) return null;
  return (
    <div className="small-text">
      outside the limit in{' '}
      {bad
        .slice(0, 6)
        .map(
          (slice) =>
            `${Object.entries(slice.slice)
              .map(([column, value]) => `${column} ${value}`)
              .join(', ')} (${measured(slice.value, check.unit)})`,
        )
        .join('; ')}
      {bad.length > 6 && ` and ${count(bad.length - 6)} more`}
    </div>
  );
}

function One({ id, check }: { id: string; check: Check }) {
  const state = check.ok === null ? 'not checked' : check.ok ? 'held' : 'broken';
  const limit = allowed(check.limit, check.unit);
  return (
    <li className="finding">
      <div>
        <State of={state} tone={check.ok === false && check.severity === 'warning' ? 'warn' : undefined} />
      </div>
      <div>
        <div>
          {said(id, check)}
          {!check.skipped && limit && <span className="dim">; limit {limit}</span>}
        </div>
        {check.description && <div className="dim">{check.description}</div>}
        <Slices check={check} />
        <Statistics check={check} />
      </div>
      <div className="dim small-text">
        <div>
          <code>{id}</code>
        </div>
        <div>
          {words(check.kind)}
          {check.dimension && `, ${check.dimension}`}
          {check.severity !== 'none' && `, ${check.severity}`}
          {check.ok === false && OUTCOME[check.on_fail] && `: ${OUTCOME[check.on_fail]}`}
        </div>
      </div>
    </li>
  );
}

export function Findings({ report }: { report: Report }) {
  const [address, change] = useAddress();
  const all = ordered(report.checks, report.alerts);
  const broken = all.filter(([, check]) => check.ok === false);
  const unchecked = all.filter(([, check]) => check.ok === null);
  const every = address.held === '1';
  const shown = every ? all : [...broken, ...unchecked];
  return (
    <Card
      title={
        broken.length === 0
          ? `All ${count(all.length - unchecked.length)} rules that were checked hold`
          : `${count(broken.length)} of ${count(all.length)} rules are broken`
      }
      actions={
        <Switch
          label="also what holds"
          checked={every}
          onChange={(event) => change({ held: event.currentTarget.checked ? '1' : undefined })}
        />
      }
    >
      {report.reason && <p>{report.reason}</p>}
      {shown.length === 0 ? (
        <p className="dim">Nothing to look at.</p>
      ) : (
        <ul className="bare">
          {shown.map(([id, check]) => (
            <One key={id} id={id} check={check} />
          ))}
        </ul>
      )}
      <p className="chart-note">
        Contract {report.contract.id} version {report.contract.version}, checked by {report.engine}.
      </p>
    </Card>
  );
}
