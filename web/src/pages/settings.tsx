// Tokens, sessions, health and roles.
import { part, remove } from '@/api/client';
import { useMay, useSession } from '@/api/session';
import { useAddress } from '@/parts/address';
import { Card, Empty, PageFrame, State, Time } from '@/parts/basics';
import { Choose } from '@/parts/choose';
import { Decision } from '@/parts/dialogs';
import { type Column, PagedList } from '@/parts/table';
import { Health } from './settings/health';
import { PERMISSIONS, ROLES } from './settings/roles';
import { Tokens } from './settings/tokens';

interface BrowserSession {
  id: string;
  subject: string;
  address: string;
  agent: string;
  current: boolean;
  created_at: string;
  seen_at: string;
  expires_at: string;
}

const SESSIONS: Column<BrowserSession>[] = [
  {
    key: 'subject',
    title: 'Who',
    width: 190,
    cell: (row) => (
      <>
        <strong>{row.subject}</strong> {row.current && <State of="this one" tone="quiet" />}
      </>
    ),
  },
  { key: 'address', title: 'From', width: 150, cell: (row) => row.address },
  { key: 'agent', title: 'Browser', cell: (row) => <span title={row.agent}>{row.agent}</span> },
  { key: 'seen', title: 'Last seen', width: 130, cell: (row) => <Time at={row.seen_at} relative /> },
  { key: 'expires', title: 'Ends', width: 190, cell: (row) => <Time at={row.expires_at} /> },
  {
    key: 'end',
    title: 'End',
    width: 90,
    cell: (row) => (
      <Decision
        text="End"
        size="compact-sm"
        title={`End the session of ${row.subject}`}
        needs="read"
        reason="none"
        color="orange.9"
        work={() => remove(`/sessions/${part(row.id)}`)}
      >
        <p>{row.current ? 'It is this one: you are signed out.' : 'That browser is signed out at once.'}</p>
      </Decision>
    ),
  },
];

function Roles() {
  const session = useSession();
  return (
    <Card title="Roles, and what each may do">
      <div className="scroll-x" tabIndex={0} role="region" aria-label="Roles">
        <table className="plain">
          <thead>
            <tr>
              <th scope="col">Permission</th>
              {ROLES.map((role) => (
                <th key={role.name} scope="col">
                  {role.name} {session.roles.includes(role.name) && <span className="dim">(you)</span>}
                </th>
              ))}
              <th scope="col">It opens</th>
            </tr>
          </thead>
          <tbody>
            {PERMISSIONS.map((permission) => (
              <tr key={permission.name}>
                <th scope="row">{permission.name}</th>
                {ROLES.map((role) => (
                  <td key={role.name}>
                    {role.may.includes(permission.name) ? (
                      <State of="may" tone="ok" />
                    ) : (
                      <span className="dim">no</span>
                    )}
                  </td>
                ))}
                <td>{permission.about}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      <p className="chart-note" style={{ marginBottom: 0 }}>
        Nobody approves what they made themselves; whoever calls from this machine without a token may do everything,
        but is never a second voice.
      </p>
    </Card>
  );
}

const TABS = [
  { value: 'health', label: 'Health' },
  { value: 'access', label: 'Tokens and sessions' },
  { value: 'roles', label: 'Roles' },
];

export function Settings() {
  const [address, change] = useAddress();
  const admin = useMay('admin');
  const tab = address.tab ?? 'health';
  return (
    <PageFrame
      title="Settings"
      subtitle="Health of the server, who may come in, and what they may do"
      actions={
        <Choose
          label="Part"
          value={tab}
          options={TABS}
          onChange={(value) => change({ tab: value === 'health' ? undefined : value })}
        />
      }
    >
      {tab === 'health' && <Health />}
      {tab === 'access' && (
        <div className="stack">
          {admin ? (
            <Tokens />
          ) : (
            <Card title="Access tokens">
              <p className="dim" style={{ margin: 0 }}>
                Tokens are seen, made and revoked by who has the role admin.
              </p>
            </Card>
          )}
          <Card title={admin ? 'Sessions of browsers' : 'Your sessions'}>
            <PagedList<BrowserSession>
              label="Sessions of browsers"
              path="/sessions"
              columns={SESSIONS}
              keyOf={(row) => row.id}
              height={320}
              empty={<Empty title="Nobody is signed in">On this machine no sign-in is needed.</Empty>}
            />
          </Card>
        </div>
      )}
      {tab === 'roles' && <Roles />}
    </PageFrame>
  );
}
