// All models: what is newest, what serves, and what waits for a decision.
import { TextInput } from '@mantine/core';
import { useDebouncedValue } from '@mantine/hooks';
import { useEffect, useState } from 'react';
import { part } from '@/api/client';
import { useGo } from '@/app/palette';
import { byWeight, type ModelSummary } from '@/models/types';
import { useAddress } from '@/parts/address';
import { Empty, PageFrame, State, Time, To } from '@/parts/basics';
import { count } from '@/parts/format';
import { type Column, PagedList } from '@/parts/table';

const COLUMNS: Column<ModelSummary>[] = [
  {
    key: 'model',
    title: 'model',
    width: 190,
    cell: (item) => (
      <To to={`/models/${part(item.model)}`}>
        <strong>{item.model}</strong>
      </To>
    ),
  },
  {
    key: 'latest',
    title: 'newest version',
    width: 170,
    cell: (item) =>
      item.latest ? (
        <span className="row" style={{ flexWrap: 'nowrap' }}>
          <To to={`/models/${part(item.model)}/${item.latest.version}`}>{item.latest.version}</To>
          <State of={item.latest.state} />
        </span>
      ) : (
        <span className="dim">none</span>
      ),
  },
  {
    key: 'aliases',
    title: 'aliases',
    width: 200,
    cell: (item) =>
      item.aliases.length === 0 ? (
        <span className="dim">none</span>
      ) : (
        byWeight(item.aliases)
          .map((each) => `${each.alias} ${each.version}`)
          .join(', ')
      ),
  },
  {
    key: 'deployments',
    title: 'serves as',
    width: 220,
    cell: (item) =>
      item.deployments.length === 0 ? (
        <span className="dim">nothing</span>
      ) : (
        item.deployments.map((each, index) => (
          <span key={`${each.deployment} ${each.arm} ${each.version}`}>
            {index > 0 && '; '}
            <To to={`/deployments/${part(each.deployment)}`}>
              {each.deployment}, {each.arm} {each.version}
            </To>
          </span>
        ))
      ),
  },
  {
    key: 'requests',
    title: 'waiting',
    width: 130,
    cell: (item) =>
      item.open_requests > 0 ? (
        <State of="waiting">
          {count(item.open_requests)} request{item.open_requests === 1 ? '' : 's'}
        </State>
      ) : (
        <span className="dim">nothing</span>
      ),
  },
  {
    key: 'about',
    title: 'about',
    cell: (item) => <span className="dim">{item.description}</span>,
  },
  { key: 'versions', title: 'versions', width: 90, right: true, cell: (item) => count(item.versions) },
  { key: 'updated', title: 'changed', width: 120, cell: (item) => <Time at={item.updated_at} relative /> },
];

export function Models() {
  const [address, change] = useAddress();
  const go = useGo();
  const [text, setText] = useState(address.q ?? '');
  const [q] = useDebouncedValue(text.trim(), 150);
  useEffect(() => {
    if (q !== (address.q ?? '')) change({ q });
  }, [q, address.q, change]);
  return (
    <PageFrame title="Models" subtitle="Registered models, their newest version and where they serve">
      <div className="toolbar">
        <TextInput
          className="grow"
          value={text}
          onChange={(event) => setText(event.currentTarget.value)}
          placeholder="part of a name"
          aria-label="Search models"
        />
      </div>
      <PagedList<ModelSummary>
        label="Models"
        path="/models/summary"
        query={{ q, limit: 100 }}
        columns={COLUMNS}
        keyOf={(item) => item.model}
        onOpen={(item) => void go(`/models/${part(item.model)}`)}
        empty={
          q ? (
            <Empty title="No model of this name" />
          ) : (
            <Empty title="No models yet" command="millrace run && millrace model register MODEL">
              A model is named in millrace.yaml, or made by MLflow's client with register_model.
            </Empty>
          )
        }
      />
    </PageFrame>
  );
}
