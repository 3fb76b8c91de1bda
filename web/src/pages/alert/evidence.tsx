// The series that broke the rule: the windows around the alert, its limit, and where it began.
import { useMemo } from 'react';
import { part } from '@/api/client';
import type { AlertFacts } from '@/api/facts';
import { useGet, usePages } from '@/api/queries';
import { type Limit, Series } from '@/charts/series';
import { number } from '@/parts/format';
import { alignedLines, ms } from '../monitor/shape';
import type { FeatureFacts, PerformanceFacts, StoredWindow } from '../monitor/types';

const DAY = 86_400_000;
const BEFORE = 120;
const AFTER = 60;

const around = (alert: AlertFacts) => ({
  from: new Date(ms(alert.first_from) - BEFORE * DAY).toISOString(),
  to: new Date(ms(alert.to) + AFTER * DAY).toISOString(),
});

function useFrame(alert: AlertFacts, factor = 1, unit = '') {
  const limits = useMemo(
    (): Limit[] => [
      {
        name: `${alert.severity} limit ${number(alert.limit * factor)}${unit}`,
        value: alert.limit * factor,
        tone: alert.severity === 'page' ? 'bad' : 'warn',
      },
    ],
    [alert.limit, alert.severity, factor, unit],
  );
  const markers = useMemo(
    () => [
      { at: ms(alert.first_from), name: 'began' },
      ...(alert.resolved_at ? [{ at: ms(alert.resolved_at), name: 'resolved' }] : []),
    ],
    [alert.first_from, alert.resolved_at],
  );
  return { limits, markers };
}

function OfFeature({ alert }: { alert: AlertFacts }) {
  const nulls = alert.kind === 'nulls';
  const asked = useGet<FeatureFacts>(`/deployments/${part(alert.deployment)}/features/${part(alert.subject)}`, {
    ...around(alert),
    arm: alert.arm || 'all',
  });
  const windows = useMemo(
    () => (asked.data?.windows ?? []).filter((each) => !alert.version || each.version === alert.version),
    [asked.data, alert.version],
  );
  const x = useMemo(() => windows.map((each) => ms(each.to)), [windows]);
  const js = alert.evidence.metric === 'js';
  const lines = useMemo(
    () => [
      nulls
        ? { name: 'missing', values: windows.map((each) => (each.nulls === null ? null : each.nulls * 100)) }
        : { name: js ? 'JS divergence' : 'PSI', values: windows.map((each) => (js ? each.js : each.psi)) },
    ],
    [windows, nulls, js],
  );
  const { limits, markers } = useFrame(alert, nulls ? 100 : 1, nulls ? ' %' : '');
  if (x.length === 0) return null;
  return (
    <Series
      title={nulls ? `Missing values of ${alert.subject}` : `Distance of ${alert.subject} from what was taught`}
      x={x}
      time
      lines={lines}
      limits={nulls ? [] : limits}
      markers={markers}
      unit={nulls ? ' %' : ''}
      note="Each point is a window, at its end. Exact."
    />
  );
}

function OfPerformance({ alert }: { alert: AlertFacts }) {
  const asked = useGet<PerformanceFacts>(`/deployments/${part(alert.deployment)}/performance`, around(alert));
  const metric = asked.data?.metrics.find((each) => each.metric === alert.subject);
  const { x, lines } = useMemo(
    () => alignedLines((metric?.series ?? []).filter((each) => each.arm === alert.arm || alert.arm === 'all')),
    [metric, alert.arm],
  );
  const { limits, markers } = useFrame(alert);
  if (x.length === 0) return null;
  return (
    <Series
      title={`${metric?.title ?? alert.subject} by window`}
      x={x}
      time
      lines={lines}
      limits={limits}
      markers={markers}
      note="Each point is a window, at its end; bands are 95 % intervals."
    />
  );
}

function OfRequests({ alert }: { alert: AlertFacts }) {
  const asked = usePages<StoredWindow>(`/deployments/${part(alert.deployment)}/windows`, {
    ...around(alert),
    arm: alert.arm || 'all',
  });
  const windows = useMemo(() => asked.data?.pages.flatMap((page) => page.items) ?? [], [asked.data]);
  const latency = alert.kind === 'latency';
  const x = useMemo(() => windows.map((each) => ms(each.to)), [windows]);
  const lines = useMemo(
    () =>
      latency
        ? (['p50', 'p95', 'p99'] as const).map((name) => ({
            name,
            values: windows.map((each) => {
              const us = each.summary.latency_us?.[name];
              return us === undefined ? null : us / 1000;
            }),
          }))
        : [
            {
              name: 'refused',
              values: windows.map((each) =>
                each.summary.requests > 0 ? (each.summary.refused / each.summary.requests) * 100 : null,
              ),
            },
          ],
    [windows, latency],
  );
  const { markers } = useFrame(alert);
  if (x.length === 0) return null;
  return (
    <Series
      title={latency ? 'Latency by window' : 'Refused requests by window'}
      x={x}
      time
      lines={lines}
      markers={markers}
      unit={latency ? ' ms' : ' %'}
      note="Each point is a window, at its end. Exact."
    />
  );
}

export function EvidenceChart({ alert }: { alert: AlertFacts }) {
  if (alert.kind === 'drift' || alert.kind === 'nulls') return <OfFeature alert={alert} />;
  if (alert.kind === 'performance') return <OfPerformance alert={alert} />;
  if (alert.kind === 'latency' || alert.kind === 'refusals') return <OfRequests alert={alert} />;
  return null;
}
