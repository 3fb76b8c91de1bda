// One dataset: its versions, their verdicts, and how many rows came and were set aside over time.
import { Button } from '@mantine/core';
import { useMemo } from 'react';
import { part } from '@/api/client';
import { useGet, usePages } from '@/api/queries';
import { useGo } from '@/app/palette';
import { Series } from '@/charts/series';
import { VerdictStrip } from '@/data/strip';
import { contractName, type DatasetVersion, periodOf, type Source } from '@/data/types';
import { useAddress, usePathNames } from '@/parts/address';
import { Card, Empty, PageFrame, Stat, State, Time, To } from '@/parts/basics';
import { count, partOf, shortDigest } from '@/parts/format';
import { type Column, List } from '@/parts/table';

const shareOf = (version: DatasetVersion) => (version.rows > 0 ? version.quarantined / version.rows : 0);

function Charts({ versions }: { versions: DatasetVersion[] }) {
  const drawn = useMemo(() => {
    const sorted = [...versions].sort((a, b) => a.version - b.version);
    const timed = sorted.every((version) => version.from);
    const x = sorted.map((version) => (timed ? Date.parse(version.from as string) : version.version));
    // Later versions of the same period stand beside each other only by number.
    const distinct = new Set(x).size === x.length && x.every((at, index) => index === 0 || at > x[index - 1]);
    const by = timed && distinct;
    return {
      by,
      x: by ? x : sorted.map((version) => version.version),
      rows: [{ name: 'rows', values: sorted.map((version) => version.rows) }],
      aside: [{ name: 'set aside', values: sorted.map((version) => shareOf(version) * 100) }],
    };
  }, [versions]);
  if (versions.length < 2) return null;
  const note = `exact, ${drawn.by ? 'by the start of the period' : 'by version'}`;
  return (
    <div className="grid two">
      <Series title="Rows of each version" x={drawn.x} time={drawn.by} lines={drawn.rows} height={190} note={note} />
      <Series
        title="Rows set aside"
        x={drawn.x}
        time={drawn.by}
        lines={drawn.aside}
        unit=" %"
        height={190}
        note={note}
      />
    </div>
  );
}

export function Dataset() {
  const { dataset } = usePathNames();
  const [address, change] = useAddress();
  const go = useGo();
  const asked = usePages<DatasetVersion>(`/datasets/${part(dataset)}/versions`, { limit: 500 });
  const sources = useGet<{ items: Source[] }>('/sources', { limit: 500 });
  const source = sources.data?.items.find((each) => each.dataset === dataset);
  const versions = useMemo(
    () => (asked.data?.pages.flatMap((page) => page.items) ?? []).sort((a, b) => b.version - a.version),
    [asked.data],
  );
  const newest = versions[0];
  const from = address.from;
  const base = `/data/${part(dataset)}`;
  const columns: Column<DatasetVersion>[] = [
    {
      key: 'version',
      title: 'version',
      width: 80,
      cell: (version) => (
        <To to={`${base}/${version.version}`}>
          <strong>{version.version}</strong>
        </To>
      ),
    },
    { key: 'verdict', title: 'verdict', width: 142, cell: (version) => <State of={version.verdict} /> },
    {
      key: 'period',
      title: 'period',
      width: 204,
      cell: (version) => periodOf(version) || <span className="dim">whole</span>,
    },
    { key: 'rows', title: 'rows', width: 90, right: true, cell: (version) => count(version.rows) },
    { key: 'accepted', title: 'taken', width: 90, right: true, cell: (version) => count(version.accepted) },
    { key: 'aside', title: 'set aside', width: 90, right: true, cell: (version) => count(version.quarantined) },
    {
      key: 'share',
      title: 'share',
      width: 80,
      right: true,
      cell: (version) => partOf(version.quarantined, version.rows),
    },
    { key: 'digest', title: 'digest', width: 120, cell: (version) => <code>{shortDigest(version.digest)}</code> },
    { key: 'at', title: 'recorded', cell: (version) => <Time at={version.recorded_at} relative /> },
    {
      key: 'diff',
      title: 'compare',
      width: 158,
      cell: (version) =>
        from === undefined ? (
          <Button size="compact-xs" variant="default" onClick={() => change({ from: String(version.version) })}>
            compare with …
          </Button>
        ) : from === String(version.version) ? (
          <Button size="compact-xs" variant="subtle" onClick={() => change({ from: undefined })}>
            not this
          </Button>
        ) : (
          <To to={`${base}/diff?from=${from}&to=${version.version}`}>
            {from} against {version.version}
          </To>
        ),
    },
  ];
  const verdicts = versions.slice(0, 60).map(({ version, verdict, recorded_at, rows, quarantined }) => ({
    version,
    verdict,
    at: recorded_at,
    rows,
    quarantined,
  }));
  return (
    <PageFrame
      title={dataset}
      crumbs={[{ text: 'Data', to: '/data' }]}
      subtitle={source && contractName(source.contract) && <>contract {contractName(source.contract)}</>}
      actions={
        versions.length > 1 && (
          <To to={`${base}/diff?from=${versions[1].version}&to=${newest.version}`}>Compare the two newest versions</To>
        )
      }
    >
      <div className="stack">
        {newest && (
          <div className="grid small">
            <Stat
              label={`newest version, ${newest.version}`}
              value={<State of={newest.verdict} />}
              note={<Time at={newest.recorded_at} relative />}
            />
            <Stat label="rows" value={count(newest.rows)} note={periodOf(newest) || 'the whole'} />
            <Stat
              label="set aside"
              value={partOf(newest.quarantined, newest.rows)}
              note={`${count(newest.quarantined)} rows in quarantine`}
            />
            <Stat
              label="what failed in it"
              value={count(source?.failing_rules.length ?? 0)}
              note={
                source?.failing_rules
                  .map((rule) => rule.rule)
                  .slice(0, 4)
                  .join(', ') || 'no rule'
              }
            />
          </div>
        )}
        {versions.length > 1 && (
          <Card title="Verdicts over time">
            <VerdictStrip of={verdicts} width={900} />
            <p className="chart-note">
              Newest right. Low and green: accepted; taller: rows were set aside; tallest: the batch was rejected.
            </p>
          </Card>
        )}
        <Charts versions={versions} />
        <List<DatasetVersion>
          label={`Versions of ${dataset}`}
          columns={columns}
          rows={versions}
          keyOf={(version) => version.node}
          total={asked.data?.pages[0]?.total}
          loading={asked.isFetching && (asked.isPending || asked.isFetchingNextPage)}
          error={asked.error}
          again={() => asked.refetch()}
          more={asked.hasNextPage ? () => !asked.isFetchingNextPage && asked.fetchNextPage() : undefined}
          onOpen={(version) => void go(`${base}/${version.version}`)}
          empty={
            <Empty title="No versions yet" command={`millrace data add ${dataset} FILE`}>
              Each file that is added is checked against the contract, and kept with its verdict.
            </Empty>
          }
        />
      </div>
    </PageFrame>
  );
}
