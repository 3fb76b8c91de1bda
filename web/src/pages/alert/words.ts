// Alerts in plain words. The statistics stand below them.
import type { AlertFacts } from '@/api/facts';
import type { Tone } from '@/parts/basics';
import { localDay, number, percent } from '@/parts/format';

type Told = Pick<AlertFacts, 'kind' | 'subject' | 'value' | 'limit' | 'arm' | 'version' | 'evidence'>;

/** "17 % of visib are missing; limit 10 %" */
export function plainOf(alert: Told): string {
  const { kind, subject, value, limit, version } = alert;
  const below = alert.evidence?.direction === 'below';
  switch (kind) {
    case 'drift':
      return `${subject} is not as taught: distance ${number(value, 2)}; limit ${number(limit, 2)}`;
    case 'nulls': {
      const share = (alert.evidence as { null_rate?: number }).null_rate ?? value;
      const before = (alert.evidence as { reference_null_rate?: number }).reference_null_rate;
      return typeof before === 'number'
        ? `${percent(share, 0)} of ${subject} are missing, ${percent(before, 0)} when the model was taught`
        : `${percent(share, 0)} of ${subject} are missing; limit ${percent(limit, 0)}`;
    }
    case 'performance':
      return `${subject} of version ${version} is ${number(value, 3)}; ${below ? 'at least' : 'at most'} ${number(limit, 3)} is wanted`;
    case 'refusals':
      return `${percent(value)} of the requests are refused for ${subject}; limit ${percent(limit)}`;
    case 'quarantine':
      return `${percent(value)} of the rows of ${subject} are set aside by its contract; limit ${percent(limit)}`;
    case 'latency':
      return `Answers are slow: ${subject} is ${number(value, 3)}; limit ${number(limit, 3)}`;
    default:
      return `${subject}: ${number(value, 3)}; limit ${number(limit, 3)}`;
  }
}

export const severityTone = (severity: string): Tone => (severity === 'page' ? 'bad' : 'warn');
export const severityWord = (severity: string) => (severity === 'page' ? 'needs somebody now' : 'warning');

const VERDICTS: Record<string, [string, Tone]> = {
  cause: ['cause found', 'ok'],
  natural_drift: ['natural drift', 'quiet'],
  not_enough_evidence: ['not enough evidence', 'warn'],
};
export const verdictOf = (verdict: string | null | undefined): [string, Tone] =>
  verdict ? (VERDICTS[verdict] ?? [verdict, 'quiet']) : ['not traced yet', 'quiet'];

const EVENTS: Record<string, string> = {
  pending: 'broken for the first time',
  seen: 'broken again',
  fired: 'fired',
  raised: 'became worse',
  acknowledged: 'somebody looks after it',
  resolved: 'resolved',
  traced: 'looked for the cause',
  acted: 'acted',
  retraining: 'began a retraining',
  retrained: 'the retraining ended',
};
export const eventWord = (kind: string) => EVENTS[kind] ?? kind.replace(/[._]/g, ' ');

/** How often chance alone moves a window as far. */
export const chanceWord = (chance: number) =>
  chance < 1e-6 ? 'less than once in a million windows' : `${percent(chance, chance < 0.01 ? 3 : 1)} of windows`;

/** A month's name: "2013-10" becomes "October 2013"; other groups stay. */
export function groupTitle(by: string, group: string, title: string): string {
  if (by === 'month' && /^\d{4}-\d{2}$/.test(group))
    return new Date(`${group}-15T00:00:00Z`).toLocaleDateString(undefined, { month: 'long', year: 'numeric' });
  if (by === 'cause') return group ? group.replace(/^dataset:/, '') : 'No cause found';
  return title || group;
}

export const spanOf = (from: string, to: string) => {
  const [a, b] = [localDay(from), localDay(to)];
  return a === b ? a : `${a} to ${b}`;
};
