// What the deployment is fed, feature by feature, beside what its model was taught: a table, and distance by importance.
import { useInfiniteQuery } from '@tanstack/react-query';
import { useCallback, useMemo } from 'react';
import { type ApiError, get, part } from '@/api/client';
import { useGo } from '@/app/palette';
import { type Draw, Figure } from '@/charts/figure';
import { ChartFrame } from '@/charts/frame';
import { Spark } from '@/charts/spark';
import { Empty, State, To } from '@/parts/basics';
import { count, number, percent } from '@/parts/format';
import { type Column, List } from '@/parts/table';
import { type Level, levelOf, newest, saidOf } from './shape';
import type { FeatureRow, FeaturesPage } from './types';

export function useFeatures(deployment: string, arm: string, windows: string) {
  const path = `/deployments/${part(deployment)}/features` as const;
  const query = { arm, windows };
  return useInfiniteQuery<FeaturesPage, ApiError, { pages: FeaturesPage[] }, unknown[], string>({
    queryKey: [path, query, 'pages'],
    queryFn: ({ signal, pageParam }) => get<FeaturesPage>(path, { ...query, limit: 200, after: pageParam }, signal),
    initialPageParam: '',
    getNextPageParam: (last) => last.next ?? undefined,
  });
}

const TONES: Record<Level, string> = { bad: 'var(--bad)', warn: 'var(--warn)', ok: 'var(--ok)', quiet: 'var(--link)' };
const toneOf = (row: FeatureRow): Level => {
  const psi = levelOf(newest(row.psi), row.threshold.psi);
  const nulls = levelOf(newest(row.nulls), row.threshold.nulls);
  if (psi === 'bad' || nulls === 'bad') return 'bad';
  return psi === 'warn' || nulls === 'warn' ? 'warn' : psi;
};

const columnsOf = (deployment: string): Column<FeatureRow>[] => [
  {
    key: 'feature',
    title: 'Feature',
    width: 190,
    cell: (row) => (
      <To to={`/monitoring/${encodeURIComponent(deployment)}/${encodeURIComponent(row.feature)}`}>
        <strong>{row.feature}</strong>
        {row.role === 'score' && <span className="dim"> (score)</span>}
      </To>
    ),
  },
  {
    key: 'state',
    title: 'In words',
    cell: (row) => {
      const tone = toneOf(row);
      return tone === 'ok' || tone === 'quiet' ? (
        <span className="dim">{saidOf(row)}</span>
      ) : (
        <State of={saidOf(row)} tone={tone} />
      );
    },
  },
  {
    key: 'line',
    title: 'PSI by window',
    width: 130,
    cell: (row) => <Spark values={row.psi} label={`PSI of ${row.feature} by window`} tone={TONES[toneOf(row)]} />,
  },
  { key: 'psi', title: 'PSI', width: 80, right: true, cell: (row) => number(newest(row.psi), 2) },
  { key: 'js', title: 'JS', width: 80, right: true, cell: (row) => number(newest(row.js), 2) },
  { key: 'nulls', title: 'Missing', width: 90, right: true, cell: (row) => percent(newest(row.nulls)) },
  { key: 'importance', title: 'Importance', width: 112, right: true, cell: (row) => number(row.importance, 2) },
  { key: 'n', title: 'Rows', width: 90, right: true, cell: (row) => count(row.n.at(-1)) },
  {
    key: 'alerts',
    title: 'Alerts',
    width: 110,
    cell: (row) =>
      row.alerts > 0 ? (
        <To to={`/alerts?deployment=${encodeURIComponent(deployment)}&subject=${encodeURIComponent(row.feature)}`}>
          {row.open_alerts > 0 ? `${row.open_alerts} open` : `${row.alerts} ended`}
        </To>
      ) : (
        <span className="dim">none</span>
      ),
  },
];

function Scatter({ rows }: { rows: FeatureRow[] }) {
  const points = useMemo(
    () =>
      rows.flatMap((row) => {
        const psi = newest(row.psi);
        return row.importance === null || psi === null
          ? []
          : [{ feature: row.feature, psi: Math.max(psi, 1e-4), importance: row.importance, tone: toneOf(row) }];
      }),
    [rows],
  );
  const limit = rows.find((row) => row.threshold.psi)?.threshold.psi;
  const draw = useCallback<Draw>(
    (plot) => {
      const loud = [...points].sort((a, b) => b.psi * b.importance - a.psi * a.importance).slice(0, 8);
      const limits = [
        { at: limit?.warn, colour: 'var(--warn)' },
        { at: limit?.page, colour: 'var(--bad)' },
      ].filter((each): each is { at: number; colour: string } => typeof each.at === 'number');
      return {
        marginLeft: 56,
        x: {
          type: 'log',
          label: 'distance from what was taught (PSI)',
          grid: true,
          tickFormat: (v: number) => number(v, 2),
        },
        y: { label: 'importance', grid: true },
        marks: [
          plot.ruleX(limits, { x: 'at', stroke: 'colour', strokeDasharray: '4,4' }),
          plot.dot(points, {
            x: 'psi',
            y: 'importance',
            fill: (point: (typeof points)[number]) => TONES[point.tone],
            r: 4.5,
            fillOpacity: 0.8,
          }),
          plot.text(loud, { x: 'psi', y: 'importance', text: 'feature', dy: -9 }),
        ],
      };
    },
    [points, limit],
  );
  if (points.length === 0) return null;
  return (
    <ChartFrame
      title="Distance by importance"
      table={{
        columns: ['feature', 'PSI', 'importance'],
        rows: points.map((point) => [point.feature, point.psi, point.importance]),
      }}
      note="Right is far from what the model was taught, up is what the model leans on: look at the upper right first."
    >
      <Figure draw={draw} height={280} />
    </ChartFrame>
  );
}

type Asked = ReturnType<typeof useFeatures>;

export function DriftTable({ deployment, asked }: { deployment: string; asked: Asked }) {
  const go = useGo();
  const rows = useMemo(() => asked.data?.pages.flatMap((page) => page.features) ?? [], [asked.data]);
  const columns = useMemo(() => columnsOf(deployment), [deployment]);
  return (
    <div className="stack">
      <h2 className="section-head">Features</h2>
      <List<FeatureRow>
        label="Features, worst first"
        columns={columns}
        rows={rows}
        total={asked.data?.pages[0]?.total}
        keyOf={(row) => `${row.role} ${row.feature}`}
        loading={asked.isFetching && (asked.isPending || asked.isFetchingNextPage)}
        error={asked.error}
        again={() => asked.refetch()}
        more={asked.hasNextPage ? () => !asked.isFetchingNextPage && asked.fetchNextPage() : undefined}
        onOpen={(row) => go(`/monitoring/${encodeURIComponent(deployment)}/${encodeURIComponent(row.feature)}`)}
        height={480}
        empty={
          <Empty title="No window has ended yet" command={`millrace monitor look ${deployment}`}>
            Windows are counted as event time goes on. Look now:
          </Empty>
        }
      />
    </div>
  );
}

export function DriftScatter({ asked }: { asked: Asked }) {
  const rows = useMemo(
    () => asked.data?.pages.flatMap((page) => page.features).filter((row) => row.role === 'input') ?? [],
    [asked.data],
  );
  return <Scatter rows={rows} />;
}
