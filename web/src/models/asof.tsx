// Who was champion when: an alias at any moment, and all its moves.
import { NativeSelect, Select, TextInput } from '@mantine/core';
import { useState } from 'react';
import { part, post, put } from '@/api/client';
import { useGet } from '@/api/queries';
import { useAddress } from '@/parts/address';
import { Card, Empty, Problem, Shown, Time, To } from '@/parts/basics';
import { Decision } from '@/parts/dialogs';
import type { AliasMove } from './types';

/** What a field of date and time holds, as UTC for the server. */
export const momentOf = (local: string | undefined) => {
  if (!local) return undefined;
  const at = new Date(local);
  return Number.isNaN(at.getTime()) ? undefined : at.toISOString();
};

/** Moving an alias, or moving it back. What is protected answers with the request that was opened. */
function Move({
  model,
  alias,
  versions,
  now,
}: {
  model: string;
  alias: string;
  versions: number[];
  now?: number | null;
}) {
  const [to, setTo] = useState('');
  const path = `/models/${part(model)}/aliases/${part(alias)}` as const;
  return (
    <>
      <Decision
        size="compact-sm"
        text={`Move ${alias}`}
        title={`Let ${alias} stand for another version`}
        needs="write"
        confirm="Move"
        ready={to !== ''}
        work={(why) => put(path, { version: Number(to), why })}
      >
        <p>
          {now ? `Now it stands for version ${now}. ` : ''}An alias that a deployment binds changes what it answers
          with; a protected one opens a request that others approve.
        </p>
        <NativeSelect
          label="Version"
          data={[
            { value: '', label: 'choose …' },
            ...versions.filter((version) => version !== now).map((version) => String(version)),
          ]}
          value={to}
          onChange={(event) => setTo(event.currentTarget.value)}
          required
          data-autofocus
        />
      </Decision>
      <Decision
        size="compact-sm"
        text="Move it back"
        title={`Let ${alias} stand for what it stood for before`}
        needs="write"
        confirm="Move it back"
        work={(why) => post(`${path}/rollback`, { why })}
      >
        <p>{now ? `Now it stands for version ${now}.` : 'It goes back by one move.'}</p>
      </Decision>
    </>
  );
}

interface AsOfProps {
  model: string;
  aliases: string[];
  versions: number[];
}

export function AsOf({ model, aliases, versions }: AsOfProps) {
  const [address, change] = useAddress();
  const alias = address.alias && aliases.includes(address.alias) ? address.alias : aliases[0];
  const at = momentOf(address.at);
  const path = `/models/${part(model)}/aliases/${part(alias ?? '')}` as const;
  const then = useGet<AliasMove & { as_of: string }>(path, { as_of: at }, { enabled: Boolean(alias) });
  const moves = useGet<{ items: AliasMove[] }>(`${path}/moves`, {}, { enabled: Boolean(alias) });
  if (!alias)
    return (
      <Card title="Aliases">
        <Empty title="No alias yet" command={`millrace model alias ${model} champion --set VERSION --why TEXT`}>
          An alias is a name that stands for one version at a time, such as champion.
        </Empty>
      </Card>
    );
  return (
    <Card
      title="Which version stood for what, and when"
      actions={<Move model={model} alias={alias} versions={versions} now={at ? undefined : then.data?.version} />}
    >
      <div className="toolbar">
        <Select
          label="Alias"
          data={aliases}
          value={alias}
          allowDeselect={false}
          onChange={(value) => change({ alias: value ?? undefined })}
          w={170}
        />
        <TextInput
          type="datetime-local"
          label="As of (your time); empty: now"
          value={address.at ?? ''}
          onChange={(event) => change({ at: event.currentTarget.value })}
          w={240}
        />
      </div>
      {then.error && then.error.status !== 404 ? (
        <Problem error={then.error} />
      ) : (
        <p style={{ fontSize: 17 }}>
          {then.data?.version ? (
            <>
              {at ? 'Then' : 'Now'} <strong>{alias}</strong> {at ? 'stood' : 'stands'} for{' '}
              <To to={`/models/${part(model)}/${then.data.version}`}>version {then.data.version}</To>
              <span className="dim" style={{ fontSize: 14 }}>
                {' '}
                since <Time at={then.data.at} />, by {then.data.subject}
                {then.data.why && `: ${then.data.why}`}
              </span>
            </>
          ) : (
            (then.error?.message ??
            (then.isPending ? 'asking …' : `${alias} ${at ? 'stood' : 'stands'} for no version.`))
          )}
        </p>
      )}
      <h3 className="small-head">Every move, newest first</h3>
      <Shown of={moves}>
        {({ items }) => (
          <div
            className="scroll-x"
            style={{ maxHeight: 320, overflowY: 'auto' }}
            tabIndex={0}
            role="region"
            aria-label={`Moves of ${alias}`}
          >
            <table className="plain">
              <thead>
                <tr>
                  <th scope="col">when</th>
                  <th scope="col">version</th>
                  <th scope="col">who</th>
                  <th scope="col">why</th>
                  <th scope="col">by</th>
                </tr>
              </thead>
              <tbody>
                {items.map((move) => (
                  <tr key={`${move.release}${move.number}`}>
                    <td>
                      <Time at={move.at} />
                    </td>
                    <td>
                      {move.version ? (
                        <To to={`/models/${part(model)}/${move.version}`}>{move.version}</To>
                      ) : (
                        <span className="dim">none</span>
                      )}
                      {move.restores ? <span className="dim"> back</span> : null}
                    </td>
                    <td>{move.subject}</td>
                    <td>{move.why}</td>
                    <td className="dim">{move.request || move.release || move.via}</td>
                  </tr>
                ))}
              </tbody>
            </table>
          </div>
        )}
      </Shown>
    </Card>
  );
}
