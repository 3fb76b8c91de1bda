// One question to people: what it is about, its evidence, and the answer. After the answer the next one opens.
import { useEffect } from 'react';
import { part } from '@/api/client';
import type { AlertFacts, ReviewFacts } from '@/api/facts';
import { useGet } from '@/api/queries';
import { useGo } from '@/app/palette';
import { usePathNames } from '@/parts/address';
import { Card, Empty, Facts, NodeLink, PageFrame, Problem, Shown, State, Time, To } from '@/parts/basics';
import { capital, count } from '@/parts/format';
import { readNode } from '@/parts/nodes';
import { Story, type StoryFacts } from './alert/story';
import { plainOf, severityTone, severityWord, spanOf } from './alert/words';
import { Answer } from './review/answer';
import { CaseAnswer, CaseView, caseOf } from './review/case';
import { afterAnswer, headline, neighbour, pageKey, useQueue } from './review/queue';
import './alert/alert.css';
import './review/review.css';

const SHOWN = 8;

function Subject({ node, summary }: { node: string; summary: string }) {
  const { kind, name } = readNode(node);
  const asked = useGet<AlertFacts>(`/alerts/${part(name)}`, {}, { enabled: kind === 'alert' });
  const alert = asked.data;
  return (
    <div className="asked">
      <h3>
        <NodeLink node={node}>{alert ? plainOf(alert) : summary || node}</NodeLink>
      </h3>
      {alert && (
        <div className="row dim">
          <State of={alert.state} />
          <State of={alert.severity} tone={alert.state === 'resolved' ? 'quiet' : severityTone(alert.severity)}>
            {severityWord(alert.severity)}
          </State>
          <span>
            {alert.deployment}, {spanOf(alert.from, alert.to)}
          </span>
        </div>
      )}
    </div>
  );
}

/** The way to the cause, of the first alert that the question is about. */
function Way({ review }: { review: ReviewFacts }) {
  const first = review.subjects.find((each) => readNode(each.node).kind === 'alert');
  const id = first ? readNode(first.node).name : '';
  const alert = useGet<AlertFacts>(`/alerts/${part(id)}`, {}, { enabled: id !== '' });
  const story = useGet<StoryFacts>(`/alerts/${part(id)}/story`, {}, { enabled: id !== '' });
  if (!first) return null;
  const facts = alert.data;
  return (
    <Card title="Why: the way back to the cause">
      {story.error ? (
        <Problem error={story.error} />
      ) : (
        facts && <Shown of={story}>{(told) => <Story story={told} from={facts.from} to={facts.to} />}</Shown>
      )}
    </Card>
  );
}

function Closed({ review }: { review: ReviewFacts }) {
  return (
    <Card title="Decision" actions={<State of={review.decision ?? 'closed'} />}>
      <Facts
        of={[
          ['Reason', review.why],
          ['By', review.by],
          ['When', <Time key="at" at={review.closed_at} />],
        ]}
      />
    </Card>
  );
}

export function Review() {
  const { review: id } = usePathNames();
  const go = useGo();
  const asked = useGet<ReviewFacts>(`/reviews/${part(id)}`);
  const { items: queue } = useQueue('open');
  const review = asked.data;
  const at = queue.findIndex((each) => each.id === review?.id);
  useEffect(() => {
    const press = (event: KeyboardEvent) => {
      const key = pageKey(event);
      const step = key === 'j' ? 1 : key === 'k' ? -1 : 0;
      const next = step && review ? neighbour(queue, review.id, step) : null;
      if (next) void go(`/reviews/${encodeURIComponent(next)}`);
    };
    window.addEventListener('keydown', press);
    return () => window.removeEventListener('keydown', press);
  }, [queue, review, go]);
  const done = () => {
    const next = review && afterAnswer(queue, review.id);
    void go(next ? `/reviews/${encodeURIComponent(next)}` : '/reviews');
  };
  const previous = review && neighbour(queue, review.id, -1);
  const next = review && neighbour(queue, review.id, 1);
  return (
    <PageFrame
      title={review ? headline(review.summary)[0] : 'Review'}
      crumbs={[{ text: 'Reviews', to: '/reviews' }]}
      subtitle={
        review && (
          <span className="row">
            {headline(review.summary)[1] && <span>{capital(headline(review.summary)[1])}</span>}
            <State of={review.decision ?? review.state} />
            <span>
              asked <Time at={review.opened_at} />
              {at >= 0 && `, ${count(at + 1)} of ${count(queue.length)} open`}
            </span>
          </span>
        )
      }
      actions={
        <span className="row dim">
          {previous && at >= 0 && <To to={`/reviews/${encodeURIComponent(previous)}`}>previous</To>}
          {previous && at >= 0 && <span className="kbd">k</span>}
          {next && <To to={`/reviews/${encodeURIComponent(next)}`}>next</To>}
          {next && <span className="kbd">j</span>}
        </span>
      }
    >
      <Shown of={asked}>
        {(facts) => {
          const held = caseOf(facts);
          return (
            <div className="sides">
              <div className="stack">
                {held ? (
                  <CaseView id={held} />
                ) : (
                  <>
                    <Card
                      title={
                        facts.subjects.length === 1
                          ? 'What it is about'
                          : `${facts.subjects.length} alerts, one ${facts.cause ? 'cause' : 'question'}`
                      }
                    >
                      {facts.subjects.length === 0 && <Empty title="It is about nothing any more" />}
                      {facts.subjects.slice(0, SHOWN).map((each) => (
                        <Subject key={each.node} node={each.node} summary={each.summary} />
                      ))}
                      {facts.subjects.length > SHOWN && (
                        <p className="dim" style={{ marginBottom: 0 }}>
                          and {count(facts.subjects.length - SHOWN)} more
                          {facts.cause && ' of '}
                          {facts.cause && (
                            <To to={`/alerts?in=${encodeURIComponent(facts.cause)}`}>all of this cause</To>
                          )}
                        </p>
                      )}
                    </Card>
                    <Way review={facts} />
                  </>
                )}
              </div>
              <div className="stack">
                {facts.state === 'open' ? (
                  held ? (
                    <CaseAnswer key={facts.id} id={held} done={done} />
                  ) : (
                    <Answer key={facts.id} review={facts} done={done} />
                  )
                ) : (
                  <Closed review={facts} />
                )}
                <Card title="Facts">
                  <Facts
                    of={[
                      [
                        'Cause',
                        facts.cause ? (
                          <NodeLink key="cause" node={facts.cause}>
                            {facts.cause}
                          </NodeLink>
                        ) : (
                          'not known'
                        ),
                      ],
                      [held ? 'Predictions' : 'Alerts', count(facts.subjects.length)],
                      ['Asked', <Time key="asked" at={facts.recorded_at} />],
                      ['Lineage', <NodeLink key="node" node={`review:${facts.id}`} />],
                    ]}
                  />
                </Card>
              </div>
            </div>
          );
        }}
      </Shown>
    </PageFrame>
  );
}
