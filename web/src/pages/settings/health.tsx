// Whether the server is well: its checks, in words, and its figures.
import { useGet } from '@/api/queries';
import { Card, Facts, Shown, Stat, State } from '@/parts/basics';
import { bytes, count, percent, seconds, words } from '@/parts/format';

interface HealthFacts {
  state?: 'ok' | 'warn' | 'fail';
  checks: { name: string; state: 'ok' | 'warn' | 'fail'; text: string; value: unknown }[];
  version: string;
  uptime_s: number;
  http: string;
  grpc: string;
  store: { engine: string; size_bytes: number | null };
  disk: { free_bytes: number; total_bytes: number };
  jobs: { waiting: number; running: number; failed: number } | null;
}

const WORDS = { ok: 'well', warn: 'look at it', fail: 'fails' };

export function Health() {
  const asked = useGet<HealthFacts>('/health/details', {}, { every: 15_000 });
  const status = useGet<{ project: { name: string; folder: string; digest: string } | null }>('/status');
  return (
    <Shown of={asked}>
      {(facts) => {
        const project = status.data?.project;
        return (
          <div className="stack">
            <div className="grid small">
              <Stat label="Version" value={facts.version} note={`up for ${seconds(facts.uptime_s)}`} />
              <Stat
                label="Store"
                value={facts.store.size_bytes === null ? facts.store.engine : bytes(facts.store.size_bytes)}
                note={facts.store.engine}
              />
              <Stat
                label="Disk free"
                value={bytes(facts.disk.free_bytes)}
                note={`${percent(facts.disk.free_bytes / Math.max(1, facts.disk.total_bytes), 0)} of ${bytes(facts.disk.total_bytes)}`}
              />
              <Stat
                label="Jobs"
                value={facts.jobs ? count(facts.jobs.running) : '–'}
                note={
                  facts.jobs
                    ? `running; ${count(facts.jobs.waiting)} wait, ${count(facts.jobs.failed)} failed`
                    : undefined
                }
              />
            </div>
            <Card title="Health" actions={facts.state && <State of={facts.state}>{WORDS[facts.state]}</State>}>
              <table className="plain">
                <thead>
                  <tr>
                    <th scope="col">Check</th>
                    <th scope="col">State</th>
                    <th scope="col">What it found</th>
                  </tr>
                </thead>
                <tbody>
                  {facts.checks.map((check) => (
                    <tr key={check.name}>
                      <th scope="row">{words(check.name)}</th>
                      <td>
                        <State of={check.state}>{WORDS[check.state]}</State>
                      </td>
                      <td>{check.text}</td>
                    </tr>
                  ))}
                </tbody>
              </table>
            </Card>
            <Card title="Server">
              <Facts
                of={[
                  ['Version', facts.version],
                  ['HTTP', facts.http],
                  ['gRPC', facts.grpc || 'not served'],
                  ['Store', facts.store.engine],
                  ['Project', project ? `${project.name} (${project.folder})` : 'none'],
                  ['Digest of the project file', project ? <code key="digest">{project.digest}</code> : undefined],
                ]}
              />
            </Card>
          </div>
        );
      }}
    </Shown>
  );
}
