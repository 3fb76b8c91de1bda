// Which deployment to watch: each with how well it does, what drifts, and how much is known by labels; worst first.
import { useGo } from '@/app/palette';
import { Spark } from '@/charts/spark';
import { Empty, PageFrame, State, To } from '@/parts/basics';
import { millis, number, percent } from '@/parts/format';
import { type Column, PagedList } from '@/parts/table';
import type { FleetItem } from './monitor/types';

const WORDS = { ok: 'healthy', warn: 'look at it', page: 'needs somebody now', idle: 'no traffic yet' };
const pathOf = (row: FleetItem) => `/monitoring/${encodeURIComponent(row.deployment)}`;

const COLUMNS: Column<FleetItem>[] = [
  {
    key: 'deployment',
    title: 'Deployment',
    cell: (row) => (
      <To to={pathOf(row)}>
        <strong>{row.deployment}</strong>
      </To>
    ),
  },
  { key: 'state', title: 'State', width: 170, cell: (row) => <State of={row.state}>{WORDS[row.state]}</State> },
  {
    key: 'performance',
    title: 'Performance (95 %)',
    width: 320,
    cell: (row) =>
      row.performance ? (
        <span className="row" style={{ flexWrap: 'nowrap' }}>
          <Spark
            values={row.performance.spark.map((point) => point.value)}
            label={`${row.performance.metric} over time`}
          />
          <span className="number">
            {row.performance.metric} {number(row.performance.value, 3)}{' '}
            <span className="dim">
              ({number(row.performance.low, 3)} to {number(row.performance.high, 3)})
            </span>
          </span>
        </span>
      ) : (
        <span className="dim">no labels yet</span>
      ),
  },
  {
    key: 'drift',
    title: 'Drifts most',
    width: 270,
    cell: (row) =>
      row.drift?.worst_feature ? (
        <span className="row" style={{ flexWrap: 'nowrap' }}>
          <Spark values={row.drift.spark.map((point) => point.value)} label={`PSI of ${row.drift.worst_feature}`} />
          <To to={`${pathOf(row)}/${encodeURIComponent(row.drift.worst_feature)}`}>{row.drift.worst_feature}</To>
          <span className="number dim">PSI {number(row.drift.psi, 2)}</span>
        </span>
      ) : (
        <span className="dim">–</span>
      ),
  },
  {
    key: 'labels',
    title: 'Labelled',
    width: 90,
    right: true,
    cell: (row) => percent(row.labels?.share, 0),
  },
  { key: 'p95', title: 'p95', width: 90, right: true, cell: (row) => millis(row.latency_ms?.p95) },
  {
    key: 'alerts',
    title: 'Open alerts',
    width: 120,
    cell: (row) =>
      row.open_alerts > 0 ? (
        <To to={`/alerts?deployment=${encodeURIComponent(row.deployment)}&state=open`}>
          <State of="alerts" tone={row.worst_alert?.severity === 'page' ? 'bad' : 'warn'}>
            {row.open_alerts} open
          </State>
        </To>
      ) : (
        <span className="dim">none</span>
      ),
  },
];

export function Monitoring() {
  const go = useGo();
  return (
    <PageFrame title="Monitoring" subtitle="How well each deployment does, and what it is fed; the worst first">
      <PagedList<FleetItem>
        label="Deployments, worst first"
        path="/fleet"
        columns={COLUMNS}
        keyOf={(row) => row.deployment}
        rowHeight={46}
        onOpen={(row) => go(pathOf(row))}
        empty={
          <Empty title="Nothing is watched yet" command="millrace monitor look DEPLOYMENT">
            Name what to watch under monitors: in the project file, send requests, then look at the windows that ended:
          </Empty>
        }
      />
    </PageFrame>
  );
}
