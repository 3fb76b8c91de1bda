// One of a few decisions with a reason: a number key, the reason, Enter. Who may not decide reads along.
import { Button, Textarea } from '@mantine/core';
import { useEffect, useRef, useState } from 'react';
import { useChange } from '@/api/queries';
import { useMay } from '@/api/session';
import { Card, Problem } from '@/parts/basics';
import { pageKey } from './queue';

interface ChoiceProps<T> {
  title: string;
  choices: readonly { value: T; key: string; label: string; about: string }[];
  note: string; // below the reason
  send: (value: T, why: string) => Promise<unknown>;
  saying: (value: T) => string; // on the button
  done: () => void;
}

export function Choice<T extends string | number>({ title, choices, note, send, saying, done }: ChoiceProps<T>) {
  const may = useMay('write');
  const [chosen, setChosen] = useState<T>();
  const [why, setWhy] = useState('');
  const reason = useRef<HTMLTextAreaElement>(null);
  const change = useChange((body: { value: T; why: string }) => send(body.value, body.why), done);
  useEffect(() => {
    const press = (event: KeyboardEvent) => {
      const found = choices.find((each) => each.key === pageKey(event));
      if (!found) return;
      event.preventDefault();
      setChosen(found.value);
      reason.current?.focus();
    };
    window.addEventListener('keydown', press);
    return () => window.removeEventListener('keydown', press);
  }, [choices]);
  if (!may)
    return (
      <Card title="Decision">
        <p className="dim" style={{ margin: 0 }}>
          Reason and decision are given by who has the role writer; you can read along.
        </p>
      </Card>
    );
  const ready = chosen !== undefined && why.trim() !== '';
  const submit = () => ready && !change.isPending && change.mutate({ value: chosen, why: why.trim() });
  return (
    <Card title={title}>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          submit();
        }}
      >
        <div className="decisions" role="radiogroup" aria-label="Decision">
          {choices.map((each) => (
            <label key={each.value} className="decision" data-on={chosen === each.value}>
              <input
                type="radio"
                name="decision"
                checked={chosen === each.value}
                onChange={() => {
                  setChosen(each.value);
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
          description={note}
          value={why}
          onChange={(event) => setWhy(event.currentTarget.value)}
          onKeyDown={(event) => {
            if (event.key === 'Enter' && !event.shiftKey) {
              event.preventDefault();
              submit();
            } else if (event.key === 'Escape') event.currentTarget.blur();
          }}
          autosize
          minRows={2}
          my="sm"
        />
        {change.error && <Problem error={change.error} />}
        <Button type="submit" disabled={!ready} loading={change.isPending} fullWidth mt="sm">
          {chosen === undefined ? 'Choose a decision' : saying(chosen)}
        </Button>
      </form>
    </Card>
  );
}
