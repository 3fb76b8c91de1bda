// Signatures of a version, and whether one of a key holds: the server reads the files again and says so.
import { Textarea } from '@mantine/core';
import { useState } from 'react';
import { part, post } from '@/api/client';
import { useGet } from '@/api/queries';
import { Card, Command, Shown, State, Time } from '@/parts/basics';
import { Decision } from '@/parts/dialogs';
import { shortDigest } from '@/parts/format';

interface Signature {
  key_id: string;
  bundle: string; // the digest of what was signed
  subject: string;
  signed_at: string;
}

export function Signatures({ model, version }: { model: string; version: string }) {
  const path = `/models/${part(model)}/versions/${part(version)}/signatures` as const;
  const asked = useGet<{ items: Signature[] }>(path);
  const [key, setKey] = useState('');
  const [holds, setHolds] = useState<Signature>();
  return (
    <Card
      title="Signatures"
      actions={
        <Decision
          size="compact-sm"
          text="Verify with a key"
          title="Does a signature of this key hold?"
          needs="read"
          reason="none"
          confirm="Verify"
          ready={key.includes('PUBLIC KEY')}
          work={() => post<Signature>(`${path}/verify`, { key })}
          done={(answer) => setHolds(answer as Signature)}
        >
          <Textarea
            label="Public key (PEM)"
            description="The files of the version are read again and compared with what was signed."
            value={key}
            onChange={(event) => setKey(event.currentTarget.value)}
            placeholder="-----BEGIN PUBLIC KEY-----"
            autosize
            minRows={5}
            classNames={{ input: 'mono' }}
            required
            data-autofocus
          />
        </Decision>
      }
    >
      {holds && (
        <p>
          <State of="intact">the signature holds</State> key <code>{holds.key_id.slice(0, 16)}</code>, signed{' '}
          <Time at={holds.signed_at} />, and the files are those that were signed.
        </p>
      )}
      <Shown of={asked}>
        {({ items }) =>
          items.length === 0 ? (
            <div>
              <p className="dim">Not signed.</p>
              <Command text={`millrace model sign ${model}@${version} --key KEY.pem`} />
            </div>
          ) : (
            <table className="plain">
              <thead>
                <tr>
                  <th scope="col">key</th>
                  <th scope="col">kept by</th>
                  <th scope="col">signed</th>
                  <th scope="col">bundle</th>
                </tr>
              </thead>
              <tbody>
                {items.map((each) => (
                  <tr key={each.key_id}>
                    <td>
                      <code title={each.key_id}>{each.key_id.slice(0, 16)}</code>
                    </td>
                    <td>{each.subject}</td>
                    <td>
                      <Time at={each.signed_at} />
                    </td>
                    <td>
                      <code title={each.bundle}>{shortDigest(each.bundle)}</code>
                    </td>
                  </tr>
                ))}
              </tbody>
            </table>
          )
        }
      </Shown>
    </Card>
  );
}
