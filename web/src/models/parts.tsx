// Parts of the pages about models.
import { Command, Interval, State, Time } from '@/parts/basics';
import { number, shortDigest, words } from '@/parts/format';
import type { Approval, DigestName, Gate, GateValue, Version } from './types';
import { passed } from './types';

export function GatesWord({ version }: { version: Version }) {
  const { gates } = version;
  if (gates.length === 0) return <span className="dim">not evaluated</span>;
  const good = passed(version);
  return good === gates.length ? (
    <State of="passed">all {gates.length} passed</State>
  ) : (
    <State of="failed">
      {gates.length - good} of {gates.length} failed
    </State>
  );
}

const valueOfGate = (value: Gate['value']): GateValue | null =>
  value === null ? null : typeof value === 'number' ? { value } : value;

/** The gate's number on a line with its interval and its limit: where it stands is seen before it is read. */
function Bar({ gate }: { gate: Gate }) {
  const value = valueOfGate(gate.value);
  if (!value || value.value === null || value.limit === undefined) return null;
  const low = value.low ?? value.value;
  const high = value.high ?? value.value;
  const least = Math.min(low, value.limit);
  const most = Math.max(high, value.limit);
  const room = (most - least || Math.abs(most) || 1) * 0.15;
  const x = (at: number) => 4 + ((at - least + room) / (most - least + 2 * room)) * 172;
  const tone = gate.ok ? 'var(--ok)' : 'var(--bad)';
  return (
    <svg width="180" height="30" role="img" aria-label={`${number(value.value)}, limit ${number(value.limit)}`}>
      <line x1="4" x2="176" y1="15" y2="15" stroke="var(--line)" />
      <line x1={x(low)} x2={x(high)} y1="15" y2="15" stroke={tone} strokeWidth="5" strokeOpacity="0.4" />
      <circle cx={x(value.value)} cy="15" r="4.5" fill={tone} />
      <line x1={x(value.limit)} x2={x(value.limit)} y1="4" y2="26" stroke="var(--text)" strokeDasharray="3 2" />
    </svg>
  );
}

export function Gates({ version }: { version: Version }) {
  if (version.gates.length === 0)
    return (
      <div>
        <p>The gates have not been evaluated, so nobody can approve this version yet.</p>
        <Command text={`millrace model gates ${version.model} ${version.version}`} />
      </div>
    );
  return (
    <ul className="bare">
      {version.gates.map((gate, index) => {
        const value = valueOfGate(gate.value);
        return (
          <li key={`${gate.kind} ${index}`} className="gate">
            <div>
              <State of={gate.ok ? 'passed' : 'failed'}>{words(gate.kind)}</State>
            </div>
            <div>
              <div>{gate.reason}</div>
              <div className="dim" style={{ fontSize: 12 }}>
                {value && value.value !== null && (
                  <>
                    <Interval of={value} />
                    {value.level !== undefined &&
                      value.low !== undefined &&
                      `, ${number(value.level * 100)} % interval`}
                    {value.limit !== undefined && `, limit ${number(value.limit)}`}
                    {value.n !== undefined && `, n ${number(value.n)}`}
                    {value.group && `, ${value.group}`}
                  </>
                )}
              </div>
            </div>
            <Bar gate={gate} />
          </li>
        );
      })}
    </ul>
  );
}

export function Approvals({ of, none }: { of: Approval[]; none: string }) {
  if (of.length === 0) return <p className="dim">{none}</p>;
  return (
    <table className="plain">
      <thead>
        <tr>
          <th scope="col">who</th>
          <th scope="col">when</th>
          <th scope="col">why</th>
          <th scope="col">for</th>
          <th scope="col">holds</th>
        </tr>
      </thead>
      <tbody>
        {of.map((each) => (
          <tr key={`${each.subject} ${each.at}`}>
            <td>{each.subject}</td>
            <td>
              <Time at={each.at} relative />
            </td>
            <td>{each.why}</td>
            <td>{each.covers && <code title={each.covers}>{shortDigest(each.covers)}</code>}</td>
            <td>
              {each.holds ? <State of="held">holds</State> : <State of="stale">void: the evidence has changed</State>}
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

const DIGESTS: DigestName[] = ['model', 'data', 'code', 'environment', 'contract', 'report'];

export function Digests({ of }: { of: Partial<Record<DigestName, string>> }) {
  return (
    <table className="plain">
      <tbody>
        {DIGESTS.filter((name) => of[name] !== undefined).map((name) => (
          <tr key={name}>
            <th scope="row" style={{ width: 110 }}>
              {name}
            </th>
            <td style={{ overflowWrap: 'anywhere' }}>
              {of[name] ? <code>{of[name]}</code> : <span className="dim">not known yet</span>}
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
