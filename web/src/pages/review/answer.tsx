// The answer to one question: 1, 2 or 3, a reason, Enter. Then the next one opens.
import { Button, Textarea } from '@mantine/core';
import { useEffect, useRef, useState } from 'react';
import { part, post } from '@/api/client';
import type { ReviewFacts } from '@/api/facts';
import { useChange } from '@/api/queries';
import { useMay } from '@/api/session';
import { Card, Problem } from '@/parts/basics';
import { pageKey } from './queue';

export const DECISIONS = [
  { value: 'confirmed', key: '1', label: 'Confirmed', about: 'It is as the alert says; the cause is real.' },
  { value: 'dismissed', key: '2', label: 'Dismissed', about: 'Nothing is wrong; this cause is not asked about again.' },
  { value: 'fixed', key: '3', label: 'Fixed', about: 'The cause is mended; when it shows again it is asked again.' },
] as const;

export function Answer({ review, done }: { review: ReviewFacts; done: () => void }) {
  const may = useMay('write');
  const [decision, setDecision] = useState('');
  const [why, setWhy] = useState('');
  const reason = useRef<HTMLTextAreaElement>(null);
  const change = useChange(
    (body: { decision: string; why: string }) => post(`/reviews/${part(review.id)}/close`, body),
    done,
  );
  useEffect(() => {
    const press = (event: KeyboardEvent) => {
      const chosen = DECISIONS.find((each) => each.key === pageKey(event));
      if (!chosen) return;
      event.preventDefault();
      setDecision(chosen.value);
      reason.current?.focus();
    };
    window.addEventListener('keydown', press);
    return () => window.removeEventListener('keydown', press);
  }, []);
  if (!may)
    return (
      <Card title="Decision">
        <p className="dim" style={{ margin: 0 }}>
          Reason and decision are given by who has the role writer; you can read along.
        </p>
      </Card>
    );
  const ready = decision !== '' && why.trim() !== '';
  const send = () => ready && !change.isPending && change.mutate({ decision, why: why.trim() });
  return (
    <Card title="Your decision">
      <form
        onSubmit={(event) => {
          event.preventDefault();
          send();
        }}
      >
        <div className="decisions" role="radiogroup" aria-label="Decision">
          {DECISIONS.map((each) => (
            <label key={each.value} className="decision" data-on={decision === each.value}>
              <input
                type="radio"
                name="decision"
                value={each.value}
                checked={decision === each.value}
                onChange={() => {
                  setDecision(each.value);
                  reason.current?.focus();
                }}
              />
              <span>
                <strong>{each.label}</strong> <span className="kbd">{each.key}</span>
                <span className="dim about">{each.about}</span>
              </span>
            </label>
          ))}
        </div>
        <Textarea
          ref={reason}
          label="Reason"
          description="Kept with the decision in the audit chain. Enter sends, shift Enter begins a new line."
          value={why}
          onChange={(event) => setWhy(event.currentTarget.value)}
          onKeyDown={(event) => {
            if (event.key === 'Enter' && !event.shiftKey) {
              event.preventDefault();
              send();
            } else if (event.key === 'Escape') event.currentTarget.blur();
          }}
          autosize
          minRows={2}
          my="sm"
        />
        {change.error && <Problem error={change.error} />}
        <Button type="submit" disabled={!ready} loading={change.isPending} fullWidth mt="sm">
          {decision ? `Close as ${decision}` : 'Choose a decision'}
        </Button>
      </form>
    </Card>
  );
}
