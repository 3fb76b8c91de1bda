// All sources: the verdicts of their contracts over time, and what fails now.
import { part } from '@/api/client';
import { useGo } from '@/app/palette';
import { VerdictStrip } from '@/data/strip';
import type { Source } from '@/data/types';
import { failed } from '@/data/words';
import { Empty, PageFrame, State, Time, To } from '@/parts/basics';
import { count, partOf } from '@/parts/format';
import { type Column, PagedList } from '@/parts/table';

const COLUMNS: Column<Source>[] = [
  {
    key: 'dataset',
    title: 'source',
    width: 150,
    cell: (source) => (
      <To to={`/data/${part(source.dataset)}`}>
        <strong>{source.dataset}</strong>
      </To>
    ),
  },
  {
    key: 'verdict',
    title: 'newest version',
    width: 180,
    cell: (source) =>
      source.latest ? (
        <span className="row" style={{ flexWrap: 'nowrap' }}>
          <To to={`/data/${part(source.dataset)}/${source.latest.version}`}>{source.latest.version}</To>
          <State of={source.latest.verdict} />
        </span>
      ) : (
        <span className="dim">none</span>
      ),
  },
  {
    key: 'strip',
    title: 'verdicts, newest right',
    width: 200,
    cell: (source) => <VerdictStrip of={source.verdicts} width={170} />,
  },
  {
    key: 'failing',
    title: 'what failed in the newest',
    cell: (source) =>
      source.failing_rules.length === 0 ? (
        <span className="dim">nothing</span>
      ) : (
        <span title={source.failing_rules.map(failed).join('\n')}>
          {failed(source.failing_rules[0])}
          {source.failing_rules.length > 1 && ` and ${source.failing_rules.length - 1} more`}
        </span>
      ),
  },
  { key: 'rows', title: 'rows', width: 100, right: true, cell: (source) => count(source.latest?.rows) },
  {
    key: 'aside',
    title: 'set aside',
    width: 90,
    right: true,
    cell: (source) => (source.latest ? partOf(source.latest.quarantined, source.latest.rows) : '–'),
  },
  { key: 'versions', title: 'versions', width: 90, right: true, cell: (source) => count(source.versions) },
  { key: 'at', title: 'recorded', width: 120, cell: (source) => <Time at={source.latest?.recorded_at} relative /> },
];

export function Data() {
  const go = useGo();
  return (
    <PageFrame title="Data" subtitle="Sources and what their contracts say of each version">
      <PagedList<Source>
        label="Sources"
        path="/sources"
        query={{ limit: 100 }}
        columns={COLUMNS}
        keyOf={(source) => source.dataset}
        onOpen={(source) => void go(`/data/${part(source.dataset)}`)}
        rowHeight={42}
        empty={
          <Empty title="No data yet" command="millrace data add SOURCE FILE">
            A source and its contract are named in millrace.yaml; each file added becomes a version with a verdict.
          </Empty>
        }
      />
    </PageFrame>
  );
}
