// Access tokens: who has one, a new one (its secret is shown once), and ending one.
import { Checkbox, Modal, NativeSelect, TextInput } from '@mantine/core';
import { useState } from 'react';
import { part, post, remove } from '@/api/client';
import { Card, Command, Empty, State, Time } from '@/parts/basics';
import { Decision } from '@/parts/dialogs';
import { type Column, PagedList } from '@/parts/table';
import { ROLES } from './roles';

interface Token {
  id: string;
  subject: string;
  roles: string[];
  created_at: string;
  expires_at: string | null;
  state: 'live' | 'expired' | 'revoked';
  token?: string;
}

const DAYS = [
  { value: '30', label: '30 days' },
  { value: '90', label: '90 days' },
  { value: '365', label: 'a year' },
  { value: '', label: 'never' },
];

const COLUMNS: Column<Token>[] = [
  { key: 'subject', title: 'Who', cell: (row) => <strong>{row.subject}</strong> },
  { key: 'roles', title: 'Roles', width: 200, cell: (row) => row.roles.join(', ') },
  {
    key: 'state',
    title: 'State',
    width: 120,
    cell: (row) => <State of={row.state} tone={row.state === 'live' ? 'ok' : 'quiet'} />,
  },
  { key: 'created', title: 'Made', width: 140, cell: (row) => <Time at={row.created_at} relative /> },
  {
    key: 'expires',
    title: 'Ends',
    width: 190,
    cell: (row) => (row.expires_at ? <Time at={row.expires_at} /> : <span className="dim">never</span>),
  },
  {
    key: 'end',
    title: 'Revoke',
    width: 100,
    cell: (row) =>
      row.state === 'live' && (
        <Decision
          text="Revoke"
          size="compact-sm"
          title={`Revoke the token of ${row.subject}`}
          needs="admin"
          reason="none"
          color="orange.9"
          work={() => remove(`/tokens/${part(row.id)}`)}
        >
          <p>Whoever uses it is refused from now on, and sessions that were opened with it end.</p>
        </Decision>
      ),
  },
];

function NewToken({ made }: { made: (token: Token) => void }) {
  const [subject, setSubject] = useState('');
  const [roles, setRoles] = useState<string[]>(['reader']);
  const [days, setDays] = useState('90');
  return (
    <Decision
      text="New token"
      title="A new access token"
      confirm="Make it"
      needs="admin"
      reason="none"
      ready={subject.trim() !== '' && roles.length > 0}
      work={() =>
        post<Token>('/tokens', {
          subject: subject.trim(),
          roles,
          ...(days ? { expires_at: new Date(Date.now() + Number(days) * 86_400_000).toISOString() } : {}),
        })
      }
      done={(answer) => {
        setSubject('');
        made(answer as Token);
      }}
    >
      <TextInput
        label="Who it is for"
        description="A name for people and programs, as it will stand in the audit chain."
        placeholder="ann@team"
        value={subject}
        onChange={(event) => setSubject(event.currentTarget.value)}
        required
        data-autofocus
      />
      <Checkbox.Group label="Roles" value={roles} onChange={setRoles} mt="sm">
        {ROLES.map((role) => (
          <Checkbox key={role.name} value={role.name} label={`${role.name}: ${role.short}`} mt={6} />
        ))}
      </Checkbox.Group>
      <NativeSelect
        label="Ends after"
        data={DAYS}
        value={days}
        onChange={(event) => setDays(event.currentTarget.value)}
        mt="sm"
      />
    </Decision>
  );
}

export function Tokens() {
  const [made, setMade] = useState<Token>();
  return (
    <Card title="Access tokens" actions={<NewToken made={setMade} />}>
      <PagedList<Token>
        label="Access tokens"
        path="/tokens"
        columns={COLUMNS}
        keyOf={(row) => row.id}
        height={320}
        empty={
          <Empty title="No token yet" command="millrace token create --subject NAME --role reader">
            On this machine none is needed; others sign in with one.
          </Empty>
        }
      />
      <Modal
        opened={made !== undefined}
        onClose={() => setMade(undefined)}
        title={`The token of ${made?.subject ?? ''}`}
        centered
        size="lg"
      >
        <p>
          It is shown <strong>now and never again</strong>: only its digest is kept. Hand it over by a safe way.
        </p>
        {made?.token && <Command text={made.token} />}
        <p className="dim">
          Roles {made?.roles.join(', ')};{' '}
          {made?.expires_at ? (
            <>
              ends <Time at={made.expires_at} />
            </>
          ) : (
            'never ends by itself'
          )}
          .
        </p>
      </Modal>
    </Card>
  );
}
