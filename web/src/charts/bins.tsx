// A small histogram beside a column's name; a second one is drawn as an outline over it.
export interface Bins {
  counts: number[];
  over?: number[]; // another distribution over the same edges
}

const shares = (counts: number[]) => {
  const total = counts.reduce((sum, count) => sum + count, 0) || 1;
  return counts.map((count) => count / total);
};

export function MiniBins({
  counts,
  over,
  width = 120,
  height = 28,
  label,
}: Bins & { width?: number; height?: number; label: string }) {
  if (counts.length === 0) return <span className="dim">–</span>;
  const first = shares(counts);
  const second = over && shares(over);
  const top = Math.max(...first, ...(second ?? []), 1e-12);
  const step = width / counts.length;
  const tall = (share: number) => (share / top) * (height - 2);
  let outline = '';
  second?.forEach((share, index) => {
    const y = (height - tall(share)).toFixed(1);
    outline += `${index === 0 ? `M0 ${height}` : ''}L${(index * step).toFixed(1)} ${y}L${((index + 1) * step).toFixed(1)} ${y}`;
  });
  return (
    <svg className="spark" width={width} height={height} role="img" aria-label={label}>
      <line x1="0" x2={width} y1={height - 0.5} y2={height - 0.5} stroke="var(--line)" />
      {first.map((share, index) => (
        <rect
          key={index}
          x={(index * step + 0.3).toFixed(1)}
          y={(height - tall(share)).toFixed(1)}
          width={Math.max(0.6, step - 0.6).toFixed(1)}
          height={tall(share).toFixed(1)}
          fill="var(--link)"
          opacity={second ? 0.45 : 0.75}
        />
      ))}
      {outline && <path d={`${outline}L${width} ${height}`} fill="none" stroke="var(--bad)" strokeWidth="1.5" />}
    </svg>
  );
}
