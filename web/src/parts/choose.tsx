// One of a few: a radio group in one line, whose value is usually a search parameter.
import { SegmentedControl } from '@mantine/core';

export interface Option {
  value: string;
  label: string;
}

export function Choose({
  label,
  options,
  value,
  onChange,
}: {
  label: string;
  options: Option[];
  value: string;
  onChange: (value: string) => void;
}) {
  return (
    <SegmentedControl
      size="xs"
      aria-label={label}
      data={options}
      value={value}
      onChange={onChange}
      transitionDuration={0}
      style={{ maxWidth: '100%', overflowX: 'auto' }}
    />
  );
}
