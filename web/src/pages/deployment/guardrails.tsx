// The evidence on each guardrail of a rollout: a plain sentence, how near to a decision, the numbers behind.
import type { RolloutReport } from '@/api/facts';
import { Meter } from '@/parts/bars';
import { Interval, State } from '@/parts/basics';
import { count, number } from '@/parts/format';
import { percents } from '@/parts/wilson';
import { nameOf, progressOf, sentenceOf, standingOf } from './words';

export function Guardrails({ report }: { report: RolloutReport }) {
  return (
    <div className="stack">
      {report.guardrails.map((guard) => {
        const standing = standingOf(guard, report.limit);
        const latency = guard.guardrail === 'latency';
        const shown = (of: typeof guard.canary) =>
          latency
            ? of && {
                value: of.value === null ? null : of.value / 1000,
                low: of.low === null || of.low === undefined ? null : of.low / 1000,
                high: of.high === null || of.high === undefined ? null : of.high / 1000,
              }
            : guard.guardrail === 'loss' || guard.guardrail === 'value'
              ? of
              : percents(of);
        const unit = latency
          ? ' ms'
          : guard.guardrail === 'loss'
            ? ''
            : guard.guardrail === 'value'
              ? ` ${guard.currency ?? ''}`
              : ' %';
        return (
          <div key={guard.guardrail} className="guard">
            <div className="row" style={{ justifyContent: 'space-between' }}>
              <h3>{nameOf(guard)}</h3>
              <State of={standing.word} tone={standing.tone} />
            </div>
            <p>{sentenceOf(guard)}</p>
            <div className="guard-meters">
              <span>shown to be kept</span>
              <Meter value={standing.safe} tone="ok" label={`${nameOf(guard)}: evidence that it is kept`} />
              <span className="number dim">{Math.round(standing.safe * 100)} %</span>
              <span>harm</span>
              <Meter
                value={standing.harm}
                tone={standing.harm >= 0.5 ? 'bad' : 'quiet'}
                label={`${nameOf(guard)}: evidence of harm`}
              />
              <span className="number dim">{Math.round(standing.harm * 100)} %</span>
            </div>
            <div className="chart-note">
              canary <Interval of={shown(guard.canary)} unit={unit} /> · stable{' '}
              <Interval of={shown(guard.stable)} unit={unit} />
              {guard.difference && (
                <>
                  {' '}
                  · difference <Interval of={shown(guard.difference)} unit={unit} />
                </>
              )}{' '}
              · e-value {number(guard.e_value, 3)} of {number(report.limit, 3)} · {count(guard.compared.canary)} and{' '}
              {count(guard.compared.stable)} compared
            </div>
          </div>
        );
      })}
      <div className="chart-note">
        All guardrails together: e-value {number(report.e_value, 3)} of {number(report.limit, 3)} (
        {Math.round(progressOf(report.log_e_value, report.limit) * 100)} % of the way to a rollback, in orders of
        magnitude). The intervals hold at every look at once; the chance of a rollback although all is kept is at most{' '}
        {number(report.policy.alpha * 100, 3)} %.
      </div>
    </div>
  );
}
