// One alert: what fired in plain words, the series behind it, the way back to its cause, and what people do about it.
import { part, post } from '@/api/client';
import type { AlertFacts, Candidate, Release, Trace } from '@/api/facts';
import { useGet } from '@/api/queries';
import { usePathNames } from '@/parts/address';
import { Meter } from '@/parts/bars';
import { Card, Facts, NodeLink, PageFrame, Problem, Shown, State, Time, To } from '@/parts/basics';
import { Decision } from '@/parts/dialogs';
import { capital, number, words } from '@/parts/format';
import { RollBack } from '@/parts/rollback';
import { EvidenceChart } from './alert/evidence';
import { Pieces, Story, type StoryFacts } from './alert/story';
import { chanceWord, eventWord, plainOf, severityTone, severityWord, spanOf, verdictOf } from './alert/words';
import './alert/alert.css';

const CAUSE_SCORE = 0.6;

function Candidates({ trace }: { trace: Trace | null }) {
  if (!trace)
    return (
      <Card title="What may explain it">
        <p className="dim" style={{ margin: 0 }}>
          Nobody has looked upstream yet. “Look again” above does.
        </p>
      </Card>
    );
  const [word, tone] = verdictOf(trace.verdict);
  const one = (candidate: Candidate) => (
    <details key={candidate.rank} className="candidate" open={candidate.rank === 1}>
      <summary>
        <strong>
          {candidate.rank}. {candidate.node.replace(/^dataset:/, '')}
        </strong>
        {candidate.columns.length > 0 && <> {candidate.columns.slice(0, 3).join(', ')}</>}
        <span className="dim"> · {words(candidate.change)}</span>
        <span className="score">
          <Meter
            value={candidate.score}
            tone={candidate.score >= CAUSE_SCORE ? 'bad' : 'quiet'}
            label={`Score of ${candidate.node}`}
          />
          <span className="number dim">{number(candidate.score, 2)}</span>
        </span>
      </summary>
      <div className="chart-note">
        <NodeLink node={candidate.node}>open it</NodeLink>
        {candidate.path.length > 1 && ` · ${candidate.path.join(' → ')}`}
      </div>
      <Pieces of={candidate.evidence} />
    </details>
  );
  return (
    <Card title="What may explain it" actions={<State of={word} tone={tone} />}>
      {trace.candidates.length === 0 ? <p className="dim">Nothing upstream stands out.</p> : trace.candidates.map(one)}
      {trace.movement.length > 0 && <Pieces of={trace.movement} />}
      <p className="chart-note" style={{ marginBottom: 0 }}>
        Scores are strength of the evidence times reach, 0 to 1; {CAUSE_SCORE} makes a cause. Looked{' '}
        <Time at={trace.at} relative />.
      </p>
    </Card>
  );
}

function Answer({ alert }: { alert: AlertFacts }) {
  const { review, action } = alert;
  return (
    <Card title="What was done">
      <Facts
        of={[
          [
            'Review',
            review ? (
              <span key="review" className="row">
                <To to={`/reviews/${encodeURIComponent(review.id)}`}>
                  {review.state === 'open' ? 'Answer the review' : 'See the review'}
                </To>
                <State of={review.decision || review.state} />
              </span>
            ) : undefined,
          ],
          ['Policy', action ? `${capital(words(action.kind))}${action.reason ? `: ${action.reason}` : ''}` : undefined],
          [
            'Job',
            action?.kind === 'retrain' && action.id ? (
              <To key="job" to={`/pipeline?job=${encodeURIComponent(action.id)}`}>
                {action.target ?? action.id}
              </To>
            ) : undefined,
          ],
          ['Looked after by', alert.owner || undefined],
          ['Newest word', alert.note || undefined],
        ]}
      />
      {!review && !action && !alert.owner && (
        <p className="dim" style={{ margin: 0 }}>
          Nothing yet.
        </p>
      )}
    </Card>
  );
}

function History({ alert }: { alert: AlertFacts }) {
  if (!alert.events?.length) return null;
  return (
    <Card title="History">
      <table className="plain">
        <tbody>
          {alert.events.map((event) => (
            <tr key={event.number}>
              <td style={{ whiteSpace: 'nowrap' }}>
                <Time at={event.event_time} relative />
              </td>
              <td>
                {capital(eventWord(event.kind))}
                {event.why && <div className="dim">{event.why}</div>}
              </td>
              <td className="dim">{event.subject}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </Card>
  );
}

function Actions({ alert }: { alert: AlertFacts }) {
  const path = `/alerts/${part(alert.id)}` as const;
  const releases = useGet<{ items: Release[] }>(`/deployments/${part(alert.deployment)}/releases`, { limit: 1 });
  const release = releases.data?.items[0];
  return (
    <>
      {alert.state === 'firing' && (
        <Decision
          text="Look after it"
          title="Say that you look after this alert"
          confirm="Acknowledge"
          needs="write"
          variant="filled"
          work={(why) => post(`${path}/ack`, { why })}
        />
      )}
      {alert.state !== 'resolved' && (
        <Decision text="Resolve" title="End this alert" needs="write" work={(why) => post(`${path}/resolve`, { why })}>
          <p>It is raised again when a later window breaks the rule.</p>
        </Decision>
      )}
      <Decision
        text="Look again"
        title="Look once more for what explains it"
        confirm="Look"
        needs="write"
        reason="none"
        work={() => post(`${path}/trace`)}
      >
        <p>Datasets, columns, code, parameters and releases upstream are compared with what was before.</p>
      </Decision>
      {release && alert.state !== 'resolved' && <RollBack deployment={alert.deployment} release={release} />}
    </>
  );
}

export function Alert() {
  const { alert: id } = usePathNames();
  const asked = useGet<AlertFacts>(`/alerts/${part(id)}`);
  const story = useGet<StoryFacts>(`/alerts/${part(id)}/story`);
  const alert = asked.data;
  return (
    <PageFrame
      title={alert ? plainOf(alert) : 'Alert'}
      crumbs={[{ text: 'Alerts', to: '/alerts' }]}
      subtitle={
        alert && (
          <span className="row">
            <State of={alert.state} />
            <State of={alert.severity} tone={alert.state === 'resolved' ? 'quiet' : severityTone(alert.severity)}>
              {severityWord(alert.severity)}
            </State>
            <To to={`/deployments/${encodeURIComponent(alert.deployment)}`}>{alert.deployment}</To>
            <span>
              window of {spanOf(alert.from, alert.to)}
              {alert.fired_at && (
                <>
                  , fired <Time at={alert.fired_at} />
                </>
              )}
              {alert.resolved_at && (
                <>
                  , resolved <Time at={alert.resolved_at} />
                </>
              )}
            </span>
          </span>
        )
      }
      actions={alert && <Actions alert={alert} />}
    >
      <Shown of={asked}>
        {(facts) => (
          <div className="sides">
            <div className="stack">
              <EvidenceChart alert={facts} />
              <Card title="Why: the way back to the cause">
                {story.error ? (
                  <Problem error={story.error} />
                ) : (
                  <Shown of={story}>{(told) => <Story story={told} from={facts.from} to={facts.to} />}</Shown>
                )}
              </Card>
            </div>
            <div className="stack">
              <Card title="What fired">
                <p style={{ marginTop: 0 }}>{capital(facts.what)}.</p>
                {facts.evidence.also?.map((text) => (
                  <p key={text} className="dim">
                    Also: {text}.
                  </p>
                ))}
                <Facts
                  of={[
                    [
                      'Subject',
                      facts.kind === 'drift' || facts.kind === 'nulls' ? (
                        <To
                          key="to"
                          to={`/monitoring/${encodeURIComponent(facts.deployment)}/${encodeURIComponent(facts.subject)}`}
                        >
                          {facts.subject}
                        </To>
                      ) : facts.kind === 'quarantine' ? (
                        <NodeLink key="to" node={`dataset:${facts.subject}`}>
                          {facts.subject}
                        </NodeLink>
                      ) : (
                        facts.subject
                      ),
                    ],
                    ['Rule', `${words(facts.kind)}${facts.evidence.metric ? `, ${facts.evidence.metric}` : ''}`],
                    [
                      'Arm',
                      facts.arm === 'all'
                        ? 'all requests'
                        : `${facts.arm}${facts.version ? `, version ${facts.version}` : ''}`,
                    ],
                    ['First broken', <Time key="first" at={facts.first_from} />],
                    [
                      'By chance alone',
                      typeof facts.evidence.chance === 'number' ? chanceWord(facts.evidence.chance) : undefined,
                    ],
                    [
                      'Lineage',
                      <NodeLink key="node" node={`alert:${facts.id}`}>
                        what it stands on
                      </NodeLink>,
                    ],
                  ]}
                />
              </Card>
              <Answer alert={facts} />
              <Candidates trace={facts.trace} />
              <History alert={facts} />
            </div>
          </div>
        )}
      </Shown>
    </PageFrame>
  );
}
