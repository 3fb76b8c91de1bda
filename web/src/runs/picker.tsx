// Choosing columns among thousands: the server searches; what is chosen stands first, in the order of the table.
import { Button, Checkbox, Drawer, NativeSelect, SegmentedControl, TextInput } from '@mantine/core';
import { useDebouncedValue, useDisclosure } from '@mantine/hooks';
import { useState } from 'react';
import { IconButton } from '@/parts/basics';
import { count } from '@/parts/format';
import { PagedList } from '@/parts/table';
import { AGGREGATES, type Aggregate, type Chosen, isMetric, keyOf, kindOf } from './columns';

interface Known {
  column: string;
  runs: number;
}

export function ColumnPicker({
  experiment,
  chosen,
  onChange,
}: {
  experiment: string;
  chosen: Chosen[];
  onChange: (chosen: Chosen[]) => void;
}) {
  const [opened, { open, close }] = useDisclosure(false);
  const [text, setText] = useState('');
  const [kind, setKind] = useState('');
  const [asked] = useDebouncedValue(text.trim(), 150);
  const on = new Set(chosen.map((each) => each.column));
  const turn = (column: string) =>
    onChange(
      on.has(column) ? chosen.filter((each) => each.column !== column) : [...chosen, { column, aggregate: 'last' }],
    );
  const move = (index: number, by: number) => {
    const next = [...chosen];
    const [taken] = next.splice(index, 1);
    next.splice(index + by, 0, taken);
    onChange(next);
  };
  return (
    <>
      <Button variant="default" onClick={open}>
        Columns ({chosen.length})
      </Button>
      <Drawer opened={opened} onClose={close} title="Columns of the table" position="right" size="lg">
        {chosen.length > 0 && (
          <>
            <h3 className="small-head">In the table, from left to right</h3>
            <ul className="bare" aria-label="Chosen columns">
              {chosen.map((each, index) => (
                <li key={each.column} className="row" style={{ flexWrap: 'nowrap' }}>
                  <span className="dim" style={{ width: 54, flex: 'none' }}>
                    {kindOf(each.column)}
                  </span>
                  <span className="clip" style={{ flex: 1 }} title={each.column}>
                    {keyOf(each.column)}
                  </span>
                  {isMetric(each.column) && (
                    <NativeSelect
                      size="xs"
                      w={82}
                      aria-label={`Which value of ${each.column}`}
                      data={AGGREGATES}
                      value={each.aggregate}
                      onChange={(event) => {
                        const aggregate = event.currentTarget.value as Aggregate;
                        onChange(chosen.map((one) => (one === each ? { ...one, aggregate } : one)));
                      }}
                    />
                  )}
                  <IconButton label={`Move ${each.column} left`} onClick={() => index > 0 && move(index, -1)}>
                    ←
                  </IconButton>
                  <IconButton
                    label={`Move ${each.column} right`}
                    onClick={() => index < chosen.length - 1 && move(index, 1)}
                  >
                    →
                  </IconButton>
                  <IconButton label={`Take ${each.column} away`} onClick={() => turn(each.column)}>
                    ×
                  </IconButton>
                </li>
              ))}
            </ul>
          </>
        )}
        <h3 className="small-head">All, most used first</h3>
        <div className="toolbar">
          <TextInput
            className="grow"
            value={text}
            onChange={(event) => setText(event.currentTarget.value)}
            placeholder="part of a name"
            aria-label="Search columns"
            data-autofocus
          />
          <SegmentedControl
            value={kind}
            onChange={setKind}
            aria-label="Kind of column"
            data={[
              { label: 'all', value: '' },
              { label: 'metrics', value: 'metric' },
              { label: 'params', value: 'param' },
              { label: 'tags', value: 'tag' },
            ]}
          />
        </div>
        {opened && (
          <PagedList<Known>
            label="Columns"
            path="/runs/columns"
            query={{ experiment, q: asked, kind, limit: 200 }}
            keyOf={(row) => row.column}
            onOpen={(row) => turn(row.column)}
            height={440}
            rowHeight={34}
            columns={[
              {
                key: 'on',
                title: <span className="unseen">shown</span>,
                width: 44,
                cell: (row) => (
                  <Checkbox
                    size="xs"
                    checked={on.has(row.column)}
                    onChange={() => turn(row.column)}
                    aria-label={`Show ${row.column}`}
                  />
                ),
              },
              {
                key: 'kind',
                title: 'kind',
                width: 76,
                cell: (row) => <span className="dim">{kindOf(row.column)}</span>,
              },
              { key: 'key', title: 'name', cell: (row) => <span title={row.column}>{keyOf(row.column)}</span> },
              { key: 'runs', title: 'runs', width: 92, right: true, cell: (row) => count(row.runs) },
            ]}
          />
        )}
      </Drawer>
    </>
  );
}
