// One line of the audit chain with all that it holds.
import { Card, Facts, IconButton, NodeLink, Time } from '@/parts/basics';
import type { AuditLine } from './export';

export function LineCard({ line, close }: { line: AuditLine; close: () => void }) {
  return (
    <Card
      title={`Line ${line.sequence}: ${line.kind}`}
      actions={
        <IconButton label="Close the line" onClick={close}>
          ×
        </IconButton>
      }
    >
      <Facts
        of={[
          ['On', line.node ? <NodeLink key="node" node={line.node} /> : undefined],
          ['By', `${line.subject} (${line.via})`],
          ['Why', line.why],
          ['Recorded', <Time key="at" at={line.recorded_at} />],
          ['Event time', <Time key="event" at={line.event_time} />],
          ['Before', line.before ? <code key="before">{line.before}</code> : undefined],
          ['After', line.after ? <code key="after">{line.after}</code> : undefined],
          ['Request', line.request_id ? <code key="request">{line.request_id}</code> : undefined],
          ['Hash of the line', <code key="hash">{line.hash}</code>],
        ]}
      />
      {line.body !== null && (
        <>
          <h3 className="small-head" style={{ marginTop: 12 }}>
            What it holds
          </h3>
          <pre className="body" tabIndex={0} role="region" aria-label="The body of the line">
            {JSON.stringify(line.body, null, 2)}
          </pre>
        </>
      )}
    </Card>
  );
}
