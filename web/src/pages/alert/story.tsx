// From the alert back to its cause: feature, column, dataset version, source, as steps with their evidence.
import { useMemo } from 'react';
import type { CauseEvidence, WindowColumn } from '@/api/facts';
import { Icon } from '@/app/icons';
import { Spark } from '@/charts/spark';
import { NodeLink, State } from '@/parts/basics';
import { capital, count, number, percent, shortDigest } from '@/parts/format';
import { Overlay } from '../monitor/histogram';
import type { FeatureFacts } from '../monitor/types';
import { verdictOf } from './words';

export interface StoryFacts {
  title: string;
  verdict: string | null;
  steps: Step[];
}
interface Step {
  kind: 'window' | 'feature' | 'column' | 'dataset' | 'source' | 'code' | 'release' | 'verdict';
  title: string;
  text: string;
  node: string | null;
  evidence: Record<string, unknown>;
}

const ICONS: Record<Step['kind'], string> = {
  window: 'monitoring',
  feature: 'runs',
  column: 'lineage',
  dataset: 'data',
  source: 'home',
  code: 'pipeline',
  release: 'deployments',
  verdict: 'audit',
};

export function Pieces({ of }: { of: CauseEvidence[] }) {
  return (
    <ul className="pieces">
      {of.map((piece) => (
        <li key={`${piece.kind} ${piece.text}`}>
          {piece.series && piece.series.length > 1 ? (
            <Spark
              values={piece.series.map((point) => point.value)}
              label={`${piece.columns.join(', ')} by day, ${piece.series[0].day} to ${piece.series.at(-1)?.day}`}
              tone={piece.value > piece.limit ? 'var(--bad)' : undefined}
            />
          ) : (
            <span className="number dim" title={`${piece.value} beside its limit of ${piece.limit}`}>
              {piece.limit > 0 ? `${number(piece.value / piece.limit, 2)} × limit` : number(piece.value, 3)}
            </span>
          )}
          <span>{piece.text}</span>
        </li>
      ))}
    </ul>
  );
}

/** The histogram of a feature as the alert kept it. */
function Kept({ column, from, to }: { column: WindowColumn; from: string; to: string }) {
  const facts = useMemo(
    (): FeatureFacts => ({
      deployment: '',
      feature: column.column,
      role: column.role,
      type: column.type,
      edges: column.edges ?? null,
      categories: column.categories ?? null,
      reference: 0,
      references: [
        {
          node: '',
          model: 'the model',
          version: 0,
          edges: column.edges,
          categories: column.categories,
          counts: column.reference_counts,
          n: column.reference_n,
          null_rate: column.reference_null_rate,
          mean: null,
        },
      ],
      windows: [
        {
          from,
          to,
          arm: 'all',
          model: '',
          version: 0,
          requests: column.n,
          reference: 0,
          counts: column.counts,
          n: column.n,
          nulls: column.null_rate,
          mean: null,
          psi: column.psi,
          js: column.js,
          effect: null,
          effect_kind: '',
        },
      ],
      threshold: null,
      alerts: [],
    }),
    [column, from, to],
  );
  return <Overlay facts={facts} window={facts.windows[0]} title={`${column.column} in the window`} height={230} />;
}

function Evidence({ step, from, to }: { step: Step; from: string; to: string }) {
  const { evidence } = step;
  switch (step.kind) {
    case 'window': {
      const interval = evidence.interval as { low: number; high: number } | null;
      return (
        <div className="chart-note number">
          {number(evidence.value as number)} beside a limit of {number(evidence.limit as number)}
          {interval && `, 95 % ${number(interval.low)} to ${number(interval.high)}`}
          {typeof evidence.n === 'number' && `, on ${count(evidence.n)} rows`}
        </div>
      );
    }
    case 'feature': {
      const column = evidence as unknown as WindowColumn;
      return column.counts && column.reference_counts ? <Kept column={column} from={from} to={to} /> : null;
    }
    case 'column':
    case 'code':
    case 'release': {
      const pieces = (evidence.pieces as CauseEvidence[] | undefined) ?? [];
      return pieces.length > 0 ? <Pieces of={pieces} /> : null;
    }
    case 'dataset':
      return (
        <div className="chart-note number">
          {count(evidence.rows as number)} rows, {count(evidence.quarantined as number)} set aside (
          {percent((evidence.quarantined as number) / Math.max(1, evidence.rows as number))})
        </div>
      );
    case 'source': {
      const files = (evidence.files as { name: string; digest?: string }[] | undefined) ?? [];
      return files.length > 0 ? (
        <div className="chart-note">
          {files.map((file) => (
            <div key={file.name}>
              <span className="mono">{file.name}</span>
              {file.digest && <span className="dim"> {shortDigest(file.digest)}</span>}
            </div>
          ))}
        </div>
      ) : null;
    }
    default:
      return null;
  }
}

export function Story({ story, from, to }: { story: StoryFacts; from: string; to: string }) {
  return (
    <ol className="story">
      {story.steps.map((step, index) => (
        <li key={`${index} ${step.kind}`}>
          <span className="step-mark">
            <Icon name={ICONS[step.kind] ?? 'lineage'} />
          </span>
          <h3>
            {step.kind === 'verdict' ? (
              <span className="row">
                {capital(step.title)} <State of={verdictOf(story.verdict)[0]} tone={verdictOf(story.verdict)[1]} />
              </span>
            ) : step.node ? (
              <NodeLink node={step.node}>{step.title}</NodeLink>
            ) : (
              step.title
            )}
          </h3>
          <p>{step.text}</p>
          <Evidence step={step} from={from} to={to} />
        </li>
      ))}
    </ol>
  );
}
