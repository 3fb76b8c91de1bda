// Saved views: a name for an address, one's own or everybody's.
import { Button, Checkbox, Menu, TextInput } from '@mantine/core';
import { useState } from 'react';
import { part, post, put, remove } from '@/api/client';
import { useChange, useGet } from '@/api/queries';
import { useMay, useSession } from '@/api/session';
import type { Address } from '@/parts/address';
import { Decision } from '@/parts/dialogs';

interface View {
  id: string;
  page: string;
  name: string;
  state: Record<string, string>;
  owner: string;
  shared: boolean;
  updated_at: string;
}

export function Views({
  page,
  state,
  onOpen,
  chosen,
}: {
  page: string;
  state: Address;
  chosen?: string;
  onOpen: (state: Record<string, string>, id: string) => void;
}) {
  const views = useGet<{ items: View[] }>('/views', { page, limit: 500 });
  const session = useSession();
  const may = useMay('read');
  const [name, setName] = useState('');
  const [shared, setShared] = useState(false);
  const drop = useChange((id: string) => remove(`/views/${part(id)}`));
  const items = views.data?.items ?? [];
  const current = items.find((view) => view.id === chosen);
  const kept = Object.fromEntries(Object.entries(state).filter(([, value]) => value)) as Record<string, string>;
  const changed = current && JSON.stringify(kept) !== JSON.stringify(current.state);
  const own = current && (current.owner === session.subject || session.permissions.includes('admin'));
  const keep = useChange((view: View) =>
    put(`/views/${part(view.id)}`, { page, name: view.name, state: kept, shared: view.shared }),
  );
  return (
    <>
      <Menu position="bottom-end">
        <Menu.Target>
          <Button variant="default">{current ? `View: ${current.name}${changed ? ' (changed)' : ''}` : 'Views'}</Button>
        </Menu.Target>
        <Menu.Dropdown>
          {items.length === 0 && <Menu.Item disabled>No view is saved yet. Save this one under a name.</Menu.Item>}
          {items.map((view) => (
            <Menu.Item
              key={view.id}
              onClick={() => onOpen(view.state, view.id)}
              rightSection={
                <span className="dim">
                  {view.owner === session.subject ? (view.shared ? 'shared' : '') : view.owner}
                </span>
              }
            >
              {view.name}
            </Menu.Item>
          ))}
          {current && own && (
            <>
              <Menu.Divider />
              {changed && (
                <Menu.Item onClick={() => keep.mutate(current)}>Keep the changes of “{current.name}”</Menu.Item>
              )}
              <Menu.Item onClick={() => drop.mutate(current.id)}>Delete “{current.name}”</Menu.Item>
            </>
          )}
        </Menu.Dropdown>
      </Menu>
      {may && (
        <Decision
          text="Save view"
          size="sm"
          title="Save this view"
          needs="read"
          reason="none"
          confirm="Save"
          ready={name.trim() !== ''}
          work={() => post<View>('/views', { page, name: name.trim(), state: kept, shared })}
          done={(answer) => onOpen((answer as View).state ?? kept, (answer as View).id)}
        >
          <TextInput
            label="Name"
            value={name}
            onChange={(event) => setName(event.currentTarget.value)}
            required
            data-autofocus
            mb="sm"
          />
          <Checkbox
            label="Everybody of the workspace sees it"
            checked={shared}
            onChange={(event) => setShared(event.currentTarget.checked)}
          />
        </Decision>
      )}
    </>
  );
}
