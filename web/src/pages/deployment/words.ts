// What a rollout's evidence says, in plain words; the statistics stand below them.
import type { Guardrail } from '@/api/facts';
import type { Estimate, Tone } from '@/parts/basics';
import { millis, number, percent } from '@/parts/format';

const value = (of: Estimate | null) => (of === null ? null : of.value);

const NAMES: Record<Guardrail['guardrail'], string> = {
  errors: 'Failed requests',
  refusals: 'Refused requests',
  latency: 'Latency',
  prediction_shift: 'Shift of the scores',
  loss: 'Loss by labels',
  value: 'Worth of the decisions',
};
export const nameOf = (guard: Guardrail) => NAMES[guard.guardrail] ?? guard.guardrail;

/** "0.4 % of the canary's requests fail, 0.3 % on the stable arm; up to 1 percentage point more is tolerated." */
export function sentenceOf(guard: Guardrail): string {
  const canary = value(guard.canary);
  const stable = value(guard.stable);
  if (canary === null || stable === null) return 'Nothing to compare yet: it needs requests on both arms.';
  const points = `${number((guard.tolerance ?? 0) * 100, 3)} percentage points`;
  switch (guard.guardrail) {
    case 'latency':
      return `${number((guard.quantile ?? 0) * 100, 4)} % of the canary's answers come within ${millis(canary / 1000)}, of the stable arm's within ${millis(stable / 1000)}; up to ${number(guard.ratio, 3)} times as long is tolerated.`;
    case 'errors':
      return `${percent(canary, 2)} of the canary's requests fail, ${percent(stable, 2)} on the stable arm; up to ${points} more are tolerated.`;
    case 'refusals':
      return `${percent(canary, 2)} of the canary's requests are refused, ${percent(stable, 2)} on the stable arm; up to ${points} more are tolerated.`;
    case 'prediction_shift':
      return `${percent(canary)} of the canary's scores are above ${number(guard.threshold, 3)}, ${percent(stable)} of the stable arm's; a distance of up to ${points} is tolerated.`;
    case 'value':
      return `1,000 decisions of the canary are worth ${number(canary, 4)} ${guard.currency ?? ''}, of the stable arm ${number(stable, 4)}; up to ${number(guard.per_1000, 3)} less is tolerated.`;
    default:
      return `The mean squared error of scores against labels is ${number(canary, 3)} on the canary, ${number(stable, 3)} on the stable arm; up to ${number(guard.tolerance, 3)} more is tolerated.`;
  }
}

/** How far evidence has come to its limit of 1/alpha, in orders of magnitude: 0 to 1. */
export function progressOf(logEvidence: number | null | undefined, limit: number): number {
  if (logEvidence === null || logEvidence === undefined || !(limit > 1)) return 0;
  return Math.max(0, Math.min(1, logEvidence / Math.log(limit)));
}

export interface Standing {
  word: string;
  tone: Tone;
  harm: number;
  safe: number;
}

export function standingOf(guard: Guardrail, limit: number): Standing {
  const harm = progressOf(guard.log_e_value, limit);
  const safe = guard.safe ? 1 : progressOf(guard.safe_log_e_value, limit);
  if (harm >= 1) return { word: 'broken', tone: 'bad', harm, safe };
  if (guard.safe) return { word: 'kept', tone: 'ok', harm, safe };
  if (harm >= 0.5) return { word: 'in doubt', tone: 'warn', harm, safe };
  return { word: 'not decided', tone: 'quiet', harm, safe };
}

const STATES: Record<string, [string, Tone]> = {
  none: ['no rollout under way', 'quiet'],
  gathering: ['gathering evidence', 'quiet'],
  doubt: ['in doubt: it waits', 'warn'],
  held: ['held by a person', 'warn'],
  out: ['canary taken out', 'bad'],
  ready: ['ready to promote', 'ok'],
};
export const rolloutState = (state: string) => STATES[state] ?? [state, 'quiet'];
