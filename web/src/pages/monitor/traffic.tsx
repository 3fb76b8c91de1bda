// Latency of each window, what became of its requests, and how much of it is labelled.
import { useEffect, useMemo } from 'react';
import { part } from '@/api/client';
import { usePages } from '@/api/queries';
import { Series } from '@/charts/series';
import { seconds } from '@/parts/format';
import { ms } from './shape';
import type { PerformanceFacts, StoredWindow, WindowHead } from './types';

export function useWindows(deployment: string, heads: WindowHead[], arm: string) {
  const asked = usePages<StoredWindow>(
    `/deployments/${part(deployment)}/windows`,
    { arm, from: heads[0]?.from },
    heads.length > 0,
  );
  const { hasNextPage, isFetchingNextPage, fetchNextPage } = asked;
  useEffect(() => {
    if (hasNextPage && !isFetchingNextPage) void fetchNextPage();
  }, [hasNextPage, isFetchingNextPage, fetchNextPage]);
  return useMemo(() => asked.data?.pages.flatMap((page) => page.items) ?? [], [asked.data]);
}

const milliseconds = (us: number | undefined) => (us === undefined ? null : us / 1000);

export function LatencySeries({ windows }: { windows: StoredWindow[] }) {
  const x = useMemo(() => windows.map((each) => ms(each.to)), [windows]);
  const lines = useMemo(
    () =>
      (['p50', 'p95', 'p99'] as const).map((name) => ({
        name,
        values: windows.map((each) => milliseconds(each.summary.latency_us?.[name])),
      })),
    [windows],
  );
  if (windows.length < 1) return null;
  return (
    <Series
      title="Latency"
      x={x}
      time
      lines={lines}
      unit=" ms"
      height={220}
      note="Quantiles of a window's answers, from arrival until the record is written."
    />
  );
}

export function LabelSeries({ facts }: { facts: PerformanceFacts }) {
  const x = useMemo(() => facts.labels.map((each) => ms(each.to)), [facts]);
  const lines = useMemo(
    () => [{ name: 'labelled', values: facts.labels.map((each) => (each.share === null ? null : each.share * 100)) }],
    [facts],
  );
  if (facts.labels.length === 0) return null;
  return (
    <Series
      title="Labels: how much of it is known"
      x={x}
      time
      lines={lines}
      unit=" %"
      height={220}
      note={
        facts.lag
          ? `Half of the labels come within ${seconds(facts.lag.median_s)}, 90 % within ${seconds(facts.lag.p90_s)}.`
          : 'Labels and answered rows of each window, exact. How late labels come is not known here (replayed time).'
      }
    />
  );
}
