// ctrl-K: one search over everything that the reader may see, pages first.
import { Kbd, Modal, TextInput } from '@mantine/core';
import { useDebouncedValue, useHotkeys } from '@mantine/hooks';
import { useNavigate } from '@tanstack/react-router';
import { type KeyboardEvent, useEffect, useState } from 'react';
import { useGet } from '@/api/queries';
import { pathOfNode } from '@/parts/nodes';
import { Icon } from './icons';
import { PAGES } from './pages';

interface Found {
  kind: string;
  id: string;
  title: string;
  subtitle: string;
  node: string;
}
interface Entry {
  key: string;
  kind: string;
  title: string;
  subtitle: string;
  to: string;
}

function pathOf(found: Found): string {
  switch (found.kind) {
    case 'experiment':
      return `/runs?experiment=${encodeURIComponent(found.id)}`;
    case 'prediction':
      return `/lineage?node=${encodeURIComponent(found.node || `prediction:${found.id}`)}`;
    case 'audit':
      return `/audit?q=${encodeURIComponent(found.id)}`;
    case 'job':
      return `/pipeline?job=${encodeURIComponent(found.id)}`;
    case 'stage':
      return `/pipeline?stage=${encodeURIComponent(found.id)}`;
    default:
      return pathOfNode(found.node || `${found.kind}:${found.id}`);
  }
}

export function useGo() {
  const navigate = useNavigate();
  return (to: string) => {
    const [path, query] = to.split('?');
    return navigate({
      to: path as '/',
      search: (query ? Object.fromEntries(new URLSearchParams(query)) : {}) as never,
    });
  };
}

export function Palette({ opened, onClose, onOpen }: { opened: boolean; onClose: () => void; onOpen: () => void }) {
  const go = useGo();
  const [text, setText] = useState('');
  const [chosen, setChosen] = useState(0);
  const [asked] = useDebouncedValue(text.trim(), 120);
  useHotkeys(
    [
      ['mod+K', onOpen],
      ['/', onOpen],
    ],
    ['INPUT', 'TEXTAREA', 'SELECT'],
  );
  const found = useGet<{ items: Found[] }>(
    '/search',
    { q: asked, limit: 20 },
    { enabled: opened && asked.length > 0, keep: true },
  );
  const wanted = text.trim().toLowerCase();
  const entries: Entry[] = [
    ...PAGES.filter((page) => page.title.toLowerCase().includes(wanted)).map((page) => ({
      key: page.to,
      kind: 'page',
      title: page.title,
      subtitle: page.about,
      to: page.to,
    })),
    ...(asked && wanted ? (found.data?.items ?? []) : []).map((item) => ({
      key: `${item.kind}:${item.id}:${item.node}`,
      kind: item.kind.replace(/_/g, ' '),
      title: item.title,
      subtitle: item.subtitle,
      to: pathOf(item),
    })),
  ];
  // biome-ignore lint/correctness/useExhaustiveDependencies: another text starts at the top
  useEffect(() => setChosen(0), [text]);

  const open = (entry: Entry | undefined) => {
    if (!entry) return;
    onClose();
    setText('');
    void go(entry.to);
  };
  const keys = (event: KeyboardEvent) => {
    if (event.key === 'ArrowDown') setChosen(Math.min(entries.length - 1, chosen + 1));
    else if (event.key === 'ArrowUp') setChosen(Math.max(0, chosen - 1));
    else if (event.key === 'Enter') open(entries[chosen]);
    else return;
    event.preventDefault();
  };
  return (
    <Modal
      opened={opened}
      onClose={onClose}
      withCloseButton={false}
      size="lg"
      yOffset="10vh"
      padding={8}
      attributes={{ content: { 'aria-label': 'Search everything' } }}
    >
      <TextInput
        value={text}
        onChange={(event) => setText(event.currentTarget.value)}
        onKeyDown={keys}
        placeholder="Search models, runs, data, alerts, decisions …"
        leftSection={<Icon name="search" />}
        aria-label="Search everything"
        role="combobox"
        aria-expanded="true"
        aria-controls="palette"
        aria-activedescendant={entries[chosen] ? `palette-${chosen}` : undefined}
        data-autofocus
      />
      <div
        id="palette"
        role="listbox"
        aria-label="Results"
        style={{ maxHeight: '55vh', overflowY: 'auto', marginTop: 6 }}
      >
        {entries.map((entry, index) => (
          <div
            key={entry.key}
            id={`palette-${index}`}
            role="option"
            tabIndex={-1}
            aria-selected={index === chosen}
            onMouseMove={() => setChosen(index)}
            onClick={() => open(entry)}
            style={{
              display: 'flex',
              gap: 10,
              padding: '7px 10px',
              borderRadius: 7,
              cursor: 'pointer',
              background: index === chosen ? 'var(--quiet-soft)' : undefined,
            }}
          >
            <span className="dim" style={{ width: 96, flex: 'none', fontSize: 12 }}>
              {entry.kind}
            </span>
            <span className="clip" style={{ flex: 1 }}>
              {entry.title} <span className="dim">{entry.subtitle}</span>
            </span>
          </div>
        ))}
        {wanted && entries.length === 0 && !found.isFetching && (
          <div className="empty">Nothing is called “{text}”.</div>
        )}
        {found.error && <div className="empty">{found.error.message}</div>}
      </div>
      <div className="row dim" style={{ fontSize: 12, padding: '6px 10px 2px' }}>
        <Kbd size="xs">↑</Kbd>
        <Kbd size="xs">↓</Kbd> choose <Kbd size="xs">Enter</Kbd> open <Kbd size="xs">Esc</Kbd> close
      </div>
    </Modal>
  );
}
