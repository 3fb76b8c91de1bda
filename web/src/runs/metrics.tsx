// The metrics of one run over steps or time, a few at once, found among all by the server.
import { MultiSelect, SegmentedControl } from '@mantine/core';
import { useDebouncedValue } from '@mantine/hooks';
import { useMemo, useState } from 'react';
import { part } from '@/api/client';
import { useGet } from '@/api/queries';
import { useAddress } from '@/parts/address';
import { Empty } from '@/parts/basics';
import { MetricChart } from './chart';
import { listOf } from './columns';
import type { Logged, RunFacts } from './facts';

export function Metrics({ run }: { run: RunFacts }) {
  const [address, change] = useAddress();
  const known = useMemo(() => run.metrics.items.map((metric) => metric.key), [run.metrics]);
  const chosen = address.metrics ? listOf(address.metrics) : known.slice(0, 6);
  const by = address.by === 'time' ? 'time' : 'step';
  const [text, setText] = useState('');
  const [q] = useDebouncedValue(text.trim(), 150);
  const found = useGet<{ items: Logged[] }>(
    `/runs/${part(run.run_id)}/values`,
    { kind: 'metric', q, limit: 200 },
    { keep: true },
  );
  const runs = useMemo(() => [{ id: run.run_id, name: run.name || run.run_id.slice(0, 8) }], [run]);
  if (known.length === 0)
    return <Empty title="No metrics">mlflow.log_metric("auc", 0.71, step=1) keeps a point of one.</Empty>;
  return (
    <>
      <div className="toolbar">
        <MultiSelect
          className="grow"
          aria-label="Metrics drawn"
          data={[...new Set([...(found.data?.items.map((metric) => metric.key) ?? known), ...chosen])]}
          filter={({ options }) => options}
          value={chosen}
          onChange={(next) => change({ metrics: next.join(',') })}
          searchValue={text}
          onSearchChange={setText}
          searchable
        />
        <SegmentedControl
          value={by}
          onChange={(next) => change({ by: next === 'time' ? 'time' : undefined })}
          aria-label="Horizontal axis"
          data={[
            { label: 'by step', value: 'step' },
            { label: 'by time', value: 'time' },
          ]}
        />
      </div>
      <div className="grid two">
        {chosen.map((metric) => (
          <MetricChart key={`${metric} ${by}`} metric={metric} runs={runs} by={by} />
        ))}
      </div>
    </>
  );
}
