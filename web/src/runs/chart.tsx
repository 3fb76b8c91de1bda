// One metric of one or many runs. A part that is drawn over is asked of the server again, and is exact there.
import { useQueries } from '@tanstack/react-query';
import { useMemo, useState } from 'react';
import { type ApiError, get, part } from '@/api/client';
import { Series } from '@/charts/series';
import { Problem } from '@/parts/basics';
import { type Answer, exactness, merge } from './merge';

export function MetricChart({
  metric,
  runs,
  by = 'step',
  height = 220,
}: {
  metric: string;
  runs: { id: string; name: string }[];
  by?: 'step' | 'time';
  height?: number;
}) {
  const [range, setRange] = useState<[number, number]>();
  const asked = useQueries({
    queries: runs.map((run) => {
      const query = {
        key: metric,
        by,
        points: runs.length > 8 ? 400 : 1000,
        [`from_${by}`]: range && Math.floor(range[0]),
        [`to_${by}`]: range && Math.ceil(range[1]),
      };
      return {
        queryKey: [`/runs/${run.id}/series`, query],
        queryFn: ({ signal }: { signal: AbortSignal }) => get<Answer>(`/runs/${part(run.id)}/series`, query, signal),
      };
    }),
    combine: (results) => ({
      answers: results.map((result) => result.data),
      error: results.find((result) => result.error && (result.error as ApiError).status !== 404)?.error as
        | ApiError
        | undefined,
      pending: results.some((result) => result.isPending),
    }),
  });
  const drawn = useMemo(() => {
    const series = runs.flatMap((run, index) => {
      const answer = asked.answers[index];
      return answer?.points.length ? [{ name: run.name, answer }] : [];
    });
    return { ...merge(series, by), note: exactness(series.map((each) => each.answer)), drawn: series.length };
  }, [runs, asked.answers, by]);
  if (asked.error) return <Problem error={asked.error} />;
  const missing = runs.length - drawn.drawn;
  const note = asked.pending
    ? 'asking …'
    : `${drawn.note}${runs.length > 1 && missing > 0 ? ` ${missing} of ${runs.length} runs have no such metric.` : ''}`;
  return (
    <Series
      title={metric}
      x={drawn.x}
      time={by === 'time'}
      lines={drawn.lines}
      height={height}
      note={note}
      onZoom={(from, to) => setRange([from, to])}
      onZoomOut={() => setRange(undefined)}
      zoomed={range !== undefined}
    />
  );
}
