// The log of one job as it is written.
import { useQuery } from '@tanstack/react-query';
import { useEffect, useRef, useState } from 'react';
import { type ApiError, get, part, post } from '@/api/client';
import { useGet } from '@/api/queries';
import { Card, IconButton, Problem, State, Time } from '@/parts/basics';
import { Decision } from '@/parts/dialogs';
import { capital, localTime, words } from '@/parts/format';
import { type Job, RUNNING } from './types';

interface Line {
  line: number;
  at: string;
  text: string;
}
const LOOK_MS = 1_200;
const KEPT = 5_000;

export function JobLog({ id, close }: { id: string; close: () => void }) {
  const job = useGet<Job>(`/jobs/${part(id)}`, {}, { every: LOOK_MS * 2 });
  const running = job.data ? RUNNING.includes(job.data.state) : true;
  const [lines, setLines] = useState<Line[]>([]);
  const after = lines.at(-1)?.line ?? 0;
  const end = useRef<HTMLDivElement>(null);
  const asked = useQuery<{ items: Line[] }, ApiError>({
    queryKey: ['job log', id, after],
    queryFn: ({ signal }) => get(`/jobs/${part(id)}/log`, { after }, signal),
    refetchInterval: running ? LOOK_MS : false,
    gcTime: 0,
  });
  // biome-ignore lint/correctness/useExhaustiveDependencies: another job begins anew
  useEffect(() => setLines([]), [id]);
  useEffect(() => {
    const items = asked.data?.items ?? [];
    if (items.length > 0)
      setLines((old) => [...old, ...items.filter((each) => each.line > (old.at(-1)?.line ?? 0))].slice(-KEPT));
  }, [asked.data]);
  // biome-ignore lint/correctness/useExhaustiveDependencies: follows new lines
  useEffect(() => {
    const box = end.current;
    if (box && box.scrollHeight - box.scrollTop - box.clientHeight < 160) box.scrollTop = box.scrollHeight;
  }, [lines]);
  return (
    <Card
      title={job.data ? `Job: ${capital(words(job.data.kind))}` : 'Job'}
      actions={
        <>
          {job.data && <State of={job.data.state} />}
          {running && job.data && (
            <Decision
              text="Cancel"
              title="Ask the job to end"
              confirm="Cancel the job"
              needs="write"
              reason="none"
              work={() => post(`/jobs/${part(id)}/cancel`)}
            />
          )}
          <IconButton label="Close the log" onClick={close}>
            ×
          </IconButton>
        </>
      }
    >
      {job.error && <Problem error={job.error} />}
      {job.data && (
        <p className="chart-note" style={{ marginTop: 0 }}>
          by {job.data.subject}, <Time at={job.data.created_at} />, attempt {job.data.attempts}
        </p>
      )}
      {job.data?.error && <p style={{ color: 'var(--bad)' }}>{job.data.error}</p>}
      <div ref={end} className="log" role="log" aria-label="Lines of the job" tabIndex={0}>
        {lines.map((line) => (
          <div key={line.line}>
            <span className="dim" title={localTime(line.at)}>
              {new Date(line.at).toLocaleTimeString()}
            </span>{' '}
            {line.text}
          </div>
        ))}
        {lines.length === 0 && <span className="dim">{running ? 'no line yet …' : 'it wrote no line'}</span>}
      </div>
    </Card>
  );
}
