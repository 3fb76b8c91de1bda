// Home: every deployment as one row, worst first, with what is wrong in words.
import { useMemo } from 'react';
import { useGet } from '@/api/queries';
import { useGo } from '@/app/palette';
import { Spark } from '@/charts/spark';
import {
  Card,
  Empty,
  type Estimate,
  Interval,
  NodeLink,
  PageFrame,
  Shown,
  Stat,
  State,
  Time,
  To,
} from '@/parts/basics';
import { count, millis, number, percent } from '@/parts/format';
import { readNode } from '@/parts/nodes';
import { RollBack } from '@/parts/rollback';
import { type Column, List } from '@/parts/table';

interface FleetItem {
  deployment: string;
  model: string;
  release?: string | null;
  stable: { version: number; node: string; since: string } | null;
  canary: { version: number; share: number } | null;
  shadows: { version: number }[];
  state: 'ok' | 'warn' | 'page' | 'idle';
  why: string[];
  open_alerts: number;
  worst_alert: { id: string; kind: string; subject: string; severity: string } | null;
  traffic: { answers: number; refused: number; errors: number; per_s: number; spark: number[] };
  latency_ms: { p50: number | null; p95: number | null; p99: number | null } | null;
  performance: (Estimate & { metric: string; at: string; spark: (Estimate & { at: string })[] }) | null;
  drift: { worst_feature: string; psi: number | null; spark: (number | null)[] } | null;
  labels: { share: number | null };
  impact: { value: number; currency: string } | null;
}

const WORDS = { ok: 'healthy', warn: 'look at it', page: 'needs somebody now', idle: 'no traffic yet' };

const COLUMNS: Column<FleetItem>[] = [
  {
    key: 'deployment',
    title: 'Deployment',
    width: 130,
    cell: (item) => (
      <To to={`/deployments/${encodeURIComponent(item.deployment)}`}>
        <strong>{item.deployment}</strong>
      </To>
    ),
  },
  {
    key: 'state',
    title: 'State',
    width: 182,
    cell: (item) => <State of={item.state}>{WORDS[item.state]}</State>,
  },
  {
    key: 'why',
    title: 'Why',
    cell: (item) =>
      item.why.length === 0 ? (
        <span className="dim">nothing is wrong</span>
      ) : (
        <span title={item.why.join('\n')}>
          {item.worst_alert ? (
            <To to={`/alerts/${encodeURIComponent(item.worst_alert.id)}`}>{item.why[0]}</To>
          ) : (
            item.why[0]
          )}
          {item.why.length > 1 && <span className="dim"> and {item.why.length - 1} more</span>}
        </span>
      ),
  },
  {
    key: 'serves',
    title: 'Serves',
    width: 130,
    cell: (item) =>
      item.stable ? (
        <span>
          <NodeLink node={item.stable.node}>
            {item.model} {item.stable.version}
          </NodeLink>
          {item.canary && (
            <span className="dim">
              {' '}
              · {percent(item.canary.share, 0)} to {item.canary.version}
            </span>
          )}
          {item.shadows.length > 0 && <span className="dim"> · {item.shadows.length} shadow</span>}
        </span>
      ) : (
        <span className="dim">nothing yet</span>
      ),
  },
  {
    key: 'back',
    title: 'Undo',
    width: 116,
    cell: (item) => {
      const number = Number(readNode(item.release ?? '').version);
      return item.stable && number > 0 ? (
        <RollBack
          deployment={item.deployment}
          release={{
            number,
            stable: { model: item.model, version: item.stable.version },
            canary: item.canary && { model: item.model, ...item.canary },
          }}
        />
      ) : null;
    },
  },
  {
    key: 'performance',
    title: 'Performance',
    width: 188,
    cell: (item) =>
      item.performance && (
        <span className="row" style={{ flexWrap: 'nowrap' }}>
          <Spark
            values={item.performance.spark.map((point) => point.value)}
            label={`${item.performance.metric} over time`}
          />
          <span>
            {item.performance.metric} <Interval of={{ value: item.performance.value }} />
          </span>
        </span>
      ),
  },
  {
    key: 'drift',
    title: 'Most drift',
    width: 110,
    cell: (item) =>
      item.drift?.worst_feature && (
        <span title={`PSI ${item.drift.psi} of ${item.drift.worst_feature}`}>
          {number(item.drift.psi, 2)} <span className="dim">{item.drift.worst_feature}</span>
        </span>
      ),
  },
  {
    key: 'traffic',
    title: 'Answers',
    width: 84,
    right: true,
    cell: (item) => (
      <span title={`${count(item.traffic.refused)} refused, ${count(item.traffic.errors)} errors`}>
        {count(item.traffic.answers)}
      </span>
    ),
  },
  { key: 'latency', title: 'p99', width: 74, right: true, cell: (item) => millis(item.latency_ms?.p99) },
  {
    key: 'impact',
    title: 'Value',
    width: 112,
    right: true,
    cell: (item) => item.impact && `${number(Math.round(item.impact.value), 6)} ${item.impact.currency}`,
  },
];

interface Line {
  sequence: number;
  recorded_at: string;
  subject: string;
  kind: string;
  node: string;
  why: string;
}

/** What changed last, newest first. */
function Changes() {
  const lines = useGet<{ items: Line[] }>('/audit/search', { limit: 12 });
  return (
    <Card title="What changed" actions={<To to="/audit">all of it</To>}>
      <Shown of={lines}>
        {(data) =>
          data.items.length === 0 ? (
            <Empty title="Nothing has happened yet" />
          ) : (
            <table className="plain">
              <thead>
                <tr>
                  <th scope="col">when</th>
                  <th scope="col">what</th>
                  <th scope="col">on</th>
                  <th scope="col">by</th>
                </tr>
              </thead>
              <tbody>
                {data.items.map((line) => (
                  <tr key={line.sequence}>
                    <td style={{ whiteSpace: 'nowrap' }}>
                      <Time at={line.recorded_at} relative />
                    </td>
                    <td>
                      {line.kind.replace(/[._]/g, ' ')}
                      {line.why && <span className="dim"> – {line.why}</span>}
                    </td>
                    <td>
                      <NodeLink node={line.node} />
                    </td>
                    <td className="dim">{line.subject}</td>
                  </tr>
                ))}
              </tbody>
            </table>
          )
        }
      </Shown>
    </Card>
  );
}

export function Home() {
  const go = useGo();
  const fleet = useGet<{ items: FleetItem[]; total?: number }>('/fleet', { limit: 200 }, { every: 10_000 });
  const reviews = useGet<{ items: unknown[]; total?: number }>('/reviews', { state: 'open', limit: 1 });
  const requests = useGet<{ items: unknown[] }>('/requests', { state: 'open' });
  const sums = useMemo(() => {
    const items = fleet.data?.items ?? [];
    const of = (pick: (item: FleetItem) => number) => items.reduce((sum, item) => sum + pick(item), 0);
    return {
      deployments: fleet.data?.total ?? items.length,
      wrong: items.filter((item) => item.state === 'page' || item.state === 'warn').length,
      alerts: of((item) => item.open_alerts),
      answers: of((item) => item.traffic.answers),
      refused: of((item) => item.traffic.refused),
    };
  }, [fleet.data]);
  return (
    <PageFrame title="Fleet" subtitle="Every model in service, the one that needs you first.">
      <Shown of={fleet}>
        {(data) => (
          <div className="stack">
            <div className="grid small">
              <Stat
                label="Need a look"
                value={`${sums.wrong} of ${sums.deployments}`}
                note={sums.wrong ? 'deployments, listed first' : 'all deployments are healthy'}
              />
              <Stat
                label="Open alerts"
                value={count(sums.alerts)}
                note={<To to="/alerts?state=firing">those that fire</To>}
              />
              <Stat
                label="Wait for a person"
                value={count(
                  (reviews.data?.total ?? reviews.data?.items.length ?? 0) + (requests.data?.items.length ?? 0),
                )}
                note={<To to="/reviews?state=open">reviews and requests</To>}
              />
              <Stat
                label="Answers given"
                value={count(sums.answers)}
                note={`${count(sums.refused)} requests refused`}
              />
            </div>
            <List<FleetItem>
              label="Deployments, worst first"
              columns={COLUMNS}
              rows={data.items}
              total={data.total}
              keyOf={(item) => item.deployment}
              onOpen={(item) => go(`/deployments/${encodeURIComponent(item.deployment)}`)}
              rowHeight={44}
              empty={
                <Empty
                  title="No model is in service yet"
                  command="millrace release create DEPLOYMENT --version 1 --why 'first release'"
                >
                  Deployments are named in millrace.yaml; releasing a version of a model starts one.
                </Empty>
              }
            />
            <Changes />
          </div>
        )}
      </Shown>
    </PageFrame>
  );
}
