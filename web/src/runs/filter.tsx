// The filter in MLflow's grammar; what the server says of it stands below it.
import { TextInput } from '@mantine/core';
import { useEffect, useState } from 'react';

export function Filter({
  value,
  onChange,
  error,
}: {
  value: string;
  onChange: (text: string) => void;
  error?: string;
}) {
  const [text, setText] = useState(value);
  useEffect(() => setText(value), [value]);
  return (
    <form
      className="grow"
      onSubmit={(event) => {
        event.preventDefault();
        onChange(text.trim());
      }}
    >
      <TextInput
        value={text}
        onChange={(event) => setText(event.currentTarget.value)}
        onBlur={() => text.trim() !== value && onChange(text.trim())}
        placeholder="metrics.auc > 0.7 AND params.depth = '6'"
        aria-label="Filter, in the grammar of MLflow"
        error={error}
        spellCheck={false}
        classNames={{ input: 'mono' }}
      />
    </form>
  );
}
