// One feature over its windows: its distribution beside what was taught, its distance and its missing values over time.
import { useMemo } from 'react';
import { part } from '@/api/client';
import type { AlertHeadline } from '@/api/facts';
import { useGet } from '@/api/queries';
import { type Limit, Series } from '@/charts/series';
import { useAddress, usePathNames } from '@/parts/address';
import { Card, Empty, PageFrame, Shown, Stat, State, Time, To } from '@/parts/basics';
import { Choose } from '@/parts/choose';
import { localDay, number, percent, words } from '@/parts/format';
import { Overlay } from './monitor/histogram';
import { levelOf, ms } from './monitor/shape';
import type { FeatureFacts, FeatureWindow, Threshold } from './monitor/types';
import './monitor/monitor.css';

const SPANS = ['12', '26', '52', '104'];

const limitsOf = (threshold: Threshold | null | undefined, factor = 1, unit = ''): Limit[] => {
  const out: Limit[] = [];
  for (const [name, tone] of [
    ['page', 'bad'],
    ['warn', 'warn'],
  ] as const) {
    const value = threshold?.[name];
    if (value !== null && value !== undefined)
      out.push({ name: `${name} above ${number(value * factor)}${unit}`, value: value * factor, tone });
  }
  return out;
};

function Mini({ window, on, choose }: { window: FeatureWindow; on: boolean; choose: () => void }) {
  const most = Math.max(1, ...window.counts);
  const wide = 100 / window.counts.length;
  return (
    <button
      type="button"
      className="mini"
      aria-pressed={on}
      onClick={choose}
      aria-label={`${localDay(window.from)}, PSI ${number(window.psi, 2)}`}
    >
      <svg viewBox="0 0 100 44" preserveAspectRatio="none" aria-hidden="true">
        {window.counts.map((n, index) => (
          <rect
            key={index}
            x={index * wide}
            width={Math.max(0.5, wide - 0.6)}
            y={44 - (n / most) * 43}
            height={(n / most) * 43}
            fill="var(--link)"
            opacity={on ? 0.9 : 0.45}
          />
        ))}
      </svg>
      <div className="row" style={{ justifyContent: 'space-between', flexWrap: 'nowrap' }}>
        <span className="clip">{localDay(window.from)}</span>
        <span className="number dim">{number(window.psi, 2)}</span>
      </div>
    </button>
  );
}

function Alerts({ of }: { of: AlertHeadline[] }) {
  return (
    <Card title="Alerts about it">
      {of.length === 0 ? (
        <p className="dim" style={{ margin: 0 }}>
          None so far.
        </p>
      ) : (
        <table className="plain">
          <tbody>
            {of.map((alert) => (
              <tr key={alert.id}>
                <td style={{ whiteSpace: 'nowrap' }}>
                  <Time at={alert.at} />
                </td>
                <td>
                  <To to={`/alerts/${encodeURIComponent(alert.id)}`}>
                    {alert.title || `${alert.kind} of ${alert.subject}`}
                  </To>
                </td>
                <td>
                  <State of={alert.state} />
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
    </Card>
  );
}

function Body({ facts }: { facts: FeatureFacts }) {
  const [address, change] = useAddress();
  const { windows } = facts;
  const chosen = windows.find((each) => each.from === address.at) ?? windows.at(-1);
  const x = useMemo(() => windows.map((each) => ms(each.to)), [windows]);
  const distance = useMemo(
    () => [
      { name: 'PSI', values: windows.map((each) => each.psi) },
      { name: 'JS divergence', values: windows.map((each) => each.js), dash: true },
    ],
    [windows],
  );
  const missing = useMemo(
    () => [{ name: 'missing', values: windows.map((each) => (each.nulls === null ? null : each.nulls * 100)) }],
    [windows],
  );
  const means = useMemo(() => [{ name: 'mean', values: windows.map((each) => each.mean) }], [windows]);
  const psiLimits = useMemo(() => limitsOf(facts.threshold?.psi), [facts]);
  const nullLimits = useMemo(() => limitsOf(facts.threshold?.nulls, 100, ' %'), [facts]);
  const reference = chosen && facts.references[chosen.reference];
  const meanLimits = useMemo(
    (): Limit[] =>
      typeof reference?.mean === 'number'
        ? [{ name: `when taught: ${number(reference.mean, 3)}`, value: reference.mean, tone: 'quiet' }]
        : [],
    [reference],
  );
  if (!chosen)
    return (
      <Empty title="No window has this feature yet" command={`millrace monitor look ${facts.deployment}`}>
        Windows are counted as event time goes on. Look now:
      </Empty>
    );
  const level = levelOf(chosen.psi, facts.threshold?.psi);
  return (
    <div className="stack">
      <div className="grid small">
        <Stat
          label="Distance (PSI)"
          value={number(chosen.psi, 3)}
          note={
            level === 'quiet' ? (
              `JS ${number(chosen.js, 3)}`
            ) : (
              <State
                of={{ ok: 'within its limits', warn: 'over its warning limit', bad: 'over its page limit' }[level]}
                tone={level}
              />
            )
          }
        />
        <Stat
          label="Missing"
          value={percent(chosen.nulls)}
          note={reference ? `${percent(reference.null_rate)} when taught` : undefined}
        />
        {facts.type === 'number' && (
          <Stat
            label="Mean"
            value={number(chosen.mean, 4)}
            note={reference ? `${number(reference.mean, 4)} when taught` : undefined}
          />
        )}
        <Stat label={`Effect (${words(chosen.effect_kind || 'size')})`} value={number(chosen.effect, 3)} />
      </div>
      <Overlay facts={facts} window={chosen} title={`${facts.feature}, ${localDay(chosen.from)}`} height={320} />
      <Card title="Choose a window">
        <div className="minis">
          {windows.map((each) => (
            <Mini
              key={`${each.from} ${each.arm} ${each.version}`}
              window={each}
              on={each === chosen}
              choose={() => change({ at: each.from })}
            />
          ))}
        </div>
      </Card>
      <div className="grid two">
        <Series title="Distance over time" x={x} time lines={distance} limits={psiLimits} note="By window, exact." />
        <Series title="Missing values over time" x={x} time lines={missing} limits={nullLimits} unit=" %" />
        {facts.type === 'number' && <Series title="Mean over time" x={x} time lines={means} limits={meanLimits} />}
        <Alerts of={facts.alerts} />
      </div>
    </div>
  );
}

export function Feature() {
  const { deployment, feature } = usePathNames();
  const [address, change] = useAddress();
  const windows = address.windows ?? '26';
  const asked = useGet<FeatureFacts>(
    `/deployments/${part(deployment)}/features/${part(feature)}`,
    { windows, arm: address.arm },
    { keep: true },
  );
  return (
    <PageFrame
      title={feature}
      crumbs={[
        { text: 'Monitoring', to: '/monitoring' },
        { text: deployment, to: `/monitoring/${encodeURIComponent(deployment)}` },
      ]}
      subtitle={
        asked.data
          ? `${asked.data.role === 'score' ? 'What the model answers' : 'What the model is fed'}, ${asked.data.type === 'number' ? 'a number' : 'a text'}`
          : undefined
      }
      actions={
        <Choose
          label="How many windows"
          value={windows}
          options={SPANS.map((value) => ({ value, label: `${value} windows` }))}
          onChange={(value) => change({ windows: value })}
        />
      }
    >
      <Shown of={asked}>{(facts) => <Body facts={facts} />}</Shown>
    </PageFrame>
  );
}
