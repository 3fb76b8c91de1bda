// What a deployment was worth, what it cost, and how quickly its people and machines reacted.
import { NativeSelect } from '@mantine/core';
import { part } from '@/api/client';
import { useGet } from '@/api/queries';
import { useAddress } from '@/parts/address';
import { Card, Empty, Facts, PageFrame, Shown, Stat, To } from '@/parts/basics';
import { count, seconds } from '@/parts/format';
import { Months } from './impact/chart';
import { caught, median, money } from './impact/sums';
import { Differences, LeadTimes, Reactions } from './impact/tables';
import type { ImpactFacts } from './impact/types';

const EXAMPLE = 'millrace impact DEPLOYMENT';

function Sum({ facts }: { facts: ImpactFacts }) {
  const { currency, total } = facts;
  const { avoided, missed, false_alarms } = caught(facts);
  const between = (of: { low?: number | null; high?: number | null }) =>
    of.low === null || of.low === undefined ? undefined : `${money(of.low, currency)} to ${money(of.high, currency)}`;
  return (
    <div className="grid small" style={{ gridTemplateColumns: 'repeat(auto-fill, minmax(min(100%, 175px), 1fr))' }}>
      <Stat label="Gain over doing nothing" value={money(total.gain.value, currency)} note={between(total.gain)} />
      <Stat label="Value of all outcomes" value={money(total.value.value, currency)} note={between(total.value)} />
      <Stat label="Cost, at most" value={money(total.cost, currency)} note={`${count(total.requests)} requests`} />
      <Stat
        label="Errors avoided"
        value={count(avoided)}
        note={`${count(missed)} missed, ${count(false_alarms)} false alarms, of ${count(total.labels)} known`}
      />
      <Stat
        label="Data to release, median"
        value={seconds(median(facts.lead_times.map((lead) => lead.event_seconds)))}
        note={`${count(facts.lead_times.length)} versions`}
      />
      <Stat
        label="Cause to alert, median"
        value={seconds(median(facts.reactions.map((each) => each.detect_seconds)))}
        note={`to end ${seconds(median(facts.reactions.map((each) => each.restore_seconds)))}`}
      />
    </div>
  );
}

function Rules({ facts }: { facts: ImpactFacts }) {
  const { outcomes, prices, currency } = facts;
  return (
    <Card title="What the numbers stand on">
      <Facts
        of={[
          ['Chosen, and it came true', money(outcomes.true_positive, currency)],
          ['Chosen, and it did not', money(outcomes.false_positive, currency)],
          ['Left alone, and it came true', money(outcomes.false_negative, currency)],
          ['Left alone, and it did not', money(outcomes.true_negative, currency)],
          ['An hour of one processor', money(prices.cpu_hour, currency)],
          ['One label', money(prices.label, currency)],
        ]}
      />
    </Card>
  );
}

export function Impact() {
  const [address, change] = useAddress();
  const listed = useGet<{ items: { deployment: string }[] }>('/deployments', { limit: 500 });
  const names = listed.data?.items.map((each) => each.deployment) ?? [];
  const deployment = address.deployment ?? names[0];
  const asked = useGet<ImpactFacts>(
    `/deployments/${part(deployment ?? '')}/impact`,
    {},
    { enabled: Boolean(deployment) },
  );
  const unvalued = asked.error?.status === 404;
  return (
    <PageFrame
      title="Impact"
      subtitle={
        deployment ? (
          <>
            What <To to={`/deployments/${encodeURIComponent(deployment)}`}>{deployment}</To> was worth, what it cost,
            and how quickly it reacted
          </>
        ) : undefined
      }
      actions={
        names.length > 1 && (
          <NativeSelect
            size="xs"
            aria-label="Deployment"
            data={names}
            value={deployment}
            onChange={(event) => change({ deployment: event.currentTarget.value })}
          />
        )
      }
    >
      {listed.data && !deployment ? (
        <Empty title="No deployment yet" command="millrace model list" />
      ) : unvalued ? (
        <Card>
          <Empty title={`Nobody has said what ${deployment} is worth`} command={EXAMPLE}>
            {asked.error?.message}. {asked.error?.hint}
          </Empty>
        </Card>
      ) : (
        <Shown of={asked}>
          {(facts) => (
            <div className="stack">
              <Sum facts={facts} />
              {facts.months.length > 0 ? (
                <Months facts={facts} />
              ) : (
                <Card title="By month">
                  <Empty title="No outcome is known yet" command="millrace feedback DEPLOYMENT labels.csv --label NAME">
                    Value is counted once it turns out what really happened. Send labels:
                  </Empty>
                </Card>
              )}
              <Differences facts={facts} />
              <div className="grid two">
                <LeadTimes facts={facts} />
                <Reactions facts={facts} />
                <Rules facts={facts} />
              </div>
            </div>
          )}
        </Shown>
      )}
    </PageFrame>
  );
}
