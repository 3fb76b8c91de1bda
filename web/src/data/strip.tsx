// Verdicts over time, oldest left: colour and height both tell. The list of versions has the links.
import { count } from '@/parts/format';
import { toneOf, type Verdict } from './types';

const TALL = { ok: 10, warn: 16, bad: 24, quiet: 6 };

export function VerdictStrip({ of, width = 220 }: { of: Verdict[]; width?: number }) {
  if (of.length === 0) return <span className="dim">no version yet</span>;
  const shown = [...of].sort((a, b) => a.version - b.version).slice(-60);
  const step = Math.min(9, width / shown.length);
  const bad = (verdict: string) => shown.filter((each) => each.verdict === verdict).length;
  const label = `${count(shown.length)} newest versions: ${bad('accepted')} accepted, ${bad('quarantined')} with quarantine, ${bad('rejected')} rejected`;
  return (
    <svg className="spark" width={shown.length * step} height="24" role="img" aria-label={label}>
      <title>{label}</title>
      {shown.map((each, index) => {
        const tone = toneOf(each.verdict);
        return (
          <rect
            key={each.version}
            x={index * step}
            y={24 - TALL[tone]}
            width={Math.max(1, step - 1.5)}
            height={TALL[tone]}
            rx="1"
            fill={`var(--${tone})`}
          />
        );
      })}
    </svg>
  );
}
