// Choosing experiments: the server searches among all.
import { MultiSelect } from '@mantine/core';
import { useDebouncedValue } from '@mantine/hooks';
import { useMemo, useRef, useState } from 'react';
import { useGet } from '@/api/queries';
import { count } from '@/parts/format';
import { listOf } from './columns';

export interface Experiment {
  experiment_id: string;
  name: string;
  runs: number;
  updated_at: string | null;
  lifecycle_stage: string;
}

export function Experiments({ chosen, onChange }: { chosen: string; onChange: (ids: string) => void }) {
  const [text, setText] = useState('');
  const [opened, setOpened] = useState(false);
  const [asked] = useDebouncedValue(text.trim(), 150);
  const found = useGet<{ items: Experiment[]; total?: number }>(
    '/experiments',
    { q: asked, limit: 100 },
    { keep: true, enabled: opened || chosen !== '' }, // nobody waits for their names before
  );
  const seen = useRef(new Map<string, string>());
  const ids = listOf(chosen);
  const data = useMemo(() => {
    const items = found.data?.items ?? [];
    for (const each of items) seen.current.set(each.experiment_id, `${each.name} (${count(each.runs)})`);
    const known = new Set(items.map((each) => each.experiment_id));
    return [
      ...items.map((each) => ({ value: each.experiment_id, label: `${each.name} (${count(each.runs)})` })),
      ...listOf(chosen)
        .filter((id) => !known.has(id))
        .map((id) => ({ value: id, label: seen.current.get(id) ?? `experiment ${id}` })),
    ];
  }, [found.data, chosen]);
  return (
    <MultiSelect
      data={data}
      value={ids}
      onChange={(next) => onChange(next.join(','))}
      onDropdownOpen={() => setOpened(true)}
      searchable
      clearable
      searchValue={text}
      onSearchChange={setText}
      filter={({ options }) => options}
      placeholder={ids.length ? '' : 'all experiments'}
      aria-label="Experiments"
      nothingFoundMessage={found.isPending ? 'asking …' : 'no experiment of this name'}
      maxDropdownHeight={360}
      w={300}
    />
  );
}
