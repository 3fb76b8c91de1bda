// Deciding: a button that asks for the reason, tells what will happen, and shows the server's answer.
import { Button, type ButtonProps, Group, Modal, Textarea } from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import { type ReactNode, useState } from 'react';
import { useChange } from '@/api/queries';
import { type Permission, useMay } from '@/api/session';
import { Problem } from './basics';

interface DecisionProps extends Omit<ButtonProps, 'children'> {
  text: string; // of the button
  title: string; // of the dialog
  needs: Permission; // who may not is not offered it
  work: (why: string) => Promise<unknown>;
  done?: (answer: unknown) => void;
  children?: ReactNode; // what will happen, and further fields
  reason?: 'required' | 'optional' | 'none';
  confirm?: string;
  ready?: boolean; // further fields are filled
}

export function Decision({
  text,
  title,
  needs,
  work,
  done,
  children,
  reason = 'required',
  confirm,
  ready = true,
  ...button
}: DecisionProps) {
  const may = useMay(needs);
  const [opened, { open, close }] = useDisclosure(false);
  const [why, setWhy] = useState('');
  const change = useChange(work, (answer) => {
    close();
    setWhy('');
    done?.(answer);
  });
  if (!may) return null;
  const start = () => {
    change.reset();
    open();
  };
  return (
    <>
      <Button variant="default" size="compact-sm" {...button} onClick={start}>
        {text}
      </Button>
      <Modal opened={opened} onClose={close} title={title} centered>
        <form
          onSubmit={(event) => {
            event.preventDefault();
            change.mutate(why);
          }}
        >
          {children}
          {reason !== 'none' && (
            <Textarea
              label="Reason"
              description="Kept with the decision in the audit chain."
              value={why}
              onChange={(event) => setWhy(event.currentTarget.value)}
              required={reason === 'required'}
              autosize
              minRows={2}
              data-autofocus
              my="sm"
            />
          )}
          {change.error && <Problem error={change.error} />}
          <Group justify="flex-end" mt="sm">
            <Button variant="default" onClick={close}>
              Cancel
            </Button>
            <Button
              type="submit"
              loading={change.isPending}
              disabled={!ready || (reason === 'required' && why.trim() === '')}
              color={button.color}
            >
              {confirm ?? text}
            </Button>
          </Group>
        </form>
      </Modal>
    </>
  );
}
