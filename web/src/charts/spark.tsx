// A line of a few dozen points beside a number; no axes, the number says where it ends.
export function Spark({
  values,
  width = 96,
  height = 24,
  label,
  tone,
}: {
  values: (number | null)[];
  width?: number;
  height?: number;
  label: string;
  tone?: string;
}) {
  const known = values.filter((value): value is number => value !== null && Number.isFinite(value));
  if (known.length < 2) return <span className="dim" aria-hidden="true" />;
  const low = Math.min(...known);
  const span = Math.max(...known) - low || 1;
  const x = (index: number) => (index / (values.length - 1)) * (width - 4) + 2;
  const y = (value: number) => height - 3 - ((value - low) / span) * (height - 6);
  let line = '';
  let pen = 'M';
  values.forEach((value, index) => {
    if (value === null || !Number.isFinite(value)) pen = 'M';
    else {
      line += `${pen}${x(index).toFixed(1)} ${y(value).toFixed(1)}`;
      pen = 'L';
    }
  });
  const last = values.at(-1);
  return (
    <svg className="spark" width={width} height={height} role="img" aria-label={label}>
      <path d={line} fill="none" stroke={tone ?? 'var(--link)'} strokeWidth="1.5" />
      {typeof last === 'number' && <circle cx={x(values.length - 1)} cy={y(last)} r="2" fill={tone ?? 'var(--link)'} />}
    </svg>
  );
}
