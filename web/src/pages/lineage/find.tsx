// Chooses a node by a part of its name.
import { Autocomplete } from '@mantine/core';
import { useDebouncedValue } from '@mantine/hooks';
import { useMemo, useState } from 'react';
import { useGet } from '@/api/queries';

interface Found {
  kind: string;
  id: string;
  title: string;
  node: string;
}

export function FindNode({
  label,
  placeholder,
  choose,
}: {
  label: string;
  placeholder: string;
  choose: (node: string) => void;
}) {
  const [text, setText] = useState('');
  const [asked] = useDebouncedValue(text.trim(), 150);
  const found = useGet<{ items: Found[] }>(
    '/search',
    { q: asked, limit: 20 },
    { enabled: asked.length > 1, keep: true },
  );
  const names = useMemo(
    () => [...new Set((found.data?.items ?? []).map((each) => each.node).filter(Boolean))],
    [found.data],
  );
  return (
    <Autocomplete
      size="sm"
      aria-label={label}
      placeholder={placeholder}
      data={names}
      filter={({ options }) => options}
      value={text}
      onChange={setText}
      onOptionSubmit={(node) => {
        choose(node);
        setText('');
      }}
      onKeyDown={(event) => {
        if (event.key !== 'Enter' || names.includes(text) || !text.includes(':')) return;
        choose(text.trim());
        setText('');
      }}
      w={340}
    />
  );
}
