// Shares and progress as bars; the number beside a bar says what it is.
import type { ReactNode } from 'react';
import { SERIES } from '@/app/theme';
import type { Tone } from './basics';
import './bars.css';

/** How far something has come, 0 to 1. */
export function Meter({ value, label, tone }: { value: number; label: string; tone?: Tone }) {
  const share = Math.max(0, Math.min(1, Number.isFinite(value) ? value : 0));
  return (
    <div
      className="meter"
      data-tone={tone}
      role="meter"
      aria-label={label}
      aria-valuemin={0}
      aria-valuemax={100}
      aria-valuenow={Math.round(share * 100)}
    >
      <span style={{ width: `${share * 100}%` }} />
    </div>
  );
}

const ARMS = ['stable', 'canary', 'shadow', 'all'];
export const armColour = (arm: string) => SERIES[Math.max(0, ARMS.indexOf(arm))];

/** The name of an arm with its colour in charts. */
export function Arm({ arm, children }: { arm: string; children?: ReactNode }) {
  return (
    <span className="clip">
      <span className="dot" style={{ background: armColour(arm) }} aria-hidden="true" />
      {children ?? arm}
    </span>
  );
}

/** How traffic is split: one bar, its parts in the colours of their arms. */
export function Shares({ of }: { of: { arm: string; share: number }[] }) {
  const shown = of.filter((part) => part.share > 0);
  return (
    <div
      className="shares"
      role="img"
      aria-label={shown.map((part) => `${part.arm} ${Math.round(part.share * 1000) / 10} %`).join(', ') || 'no traffic'}
    >
      {shown.map((part) => (
        <span key={part.arm} style={{ flex: `${part.share} 0 0`, background: armColour(part.arm) }} />
      ))}
    </div>
  );
}
