import { Button, PasswordInput } from '@mantine/core';
import { useState } from 'react';
import { type ApiError, post } from '@/api/client';
import { client } from '@/api/queries';
import type { Session } from '@/api/session';
import { Command, Problem } from '@/parts/basics';
import mark from './mark.svg';

export function SignIn({ onDone }: { onDone: (session: Session) => void }) {
  const [token, setToken] = useState('');
  const [error, setError] = useState<ApiError>();
  const [busy, setBusy] = useState(false);
  const send = async () => {
    setBusy(true);
    setError(undefined);
    try {
      const session = await post<Session>('/session', { token: token.trim() });
      client.clear();
      onDone(session);
    } catch (problem) {
      setError(problem as ApiError);
    } finally {
      setBusy(false);
    }
  };
  return (
    <main className="page" style={{ maxWidth: 440, paddingTop: '12vh' }}>
      <div className="card" style={{ padding: 26 }}>
        <div className="row" style={{ marginBottom: 14 }}>
          <img src={mark} alt="" width={30} height={30} />
          <h1 style={{ fontSize: 20, margin: 0 }}>Sign in to Millrace</h1>
        </div>
        <form
          onSubmit={(event) => {
            event.preventDefault();
            void send();
          }}
        >
          <PasswordInput
            label="Access token"
            description="It stays on the server: this browser keeps a session, which you can end at any time."
            value={token}
            onChange={(event) => setToken(event.currentTarget.value)}
            autoComplete="current-password"
            required
            autoFocus
            mb="md"
          />
          {error && <Problem error={error} />}
          <Button type="submit" fullWidth mt="md" loading={busy} disabled={!token.trim()}>
            Sign in
          </Button>
        </form>
        <p className="dim" style={{ fontSize: 13 }}>
          No token yet? Somebody with the command line makes one:
        </p>
        <Command text="millrace token create --subject ada --role reader" />
      </div>
    </main>
  );
}
