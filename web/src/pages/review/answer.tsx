// The answer to one question about an alert. Then the next one opens.
import { part, post } from '@/api/client';
import type { ReviewFacts } from '@/api/facts';
import { Choice } from './choice';

export const DECISIONS = [
  { value: 'confirmed', key: '1', label: 'Confirmed', about: 'It is as the alert says; the cause is real.' },
  { value: 'dismissed', key: '2', label: 'Dismissed', about: 'Nothing is wrong; this cause is not asked about again.' },
  { value: 'fixed', key: '3', label: 'Fixed', about: 'The cause is mended; when it shows again it is asked again.' },
] as const;

export function Answer({ review, done }: { review: ReviewFacts; done: () => void }) {
  return (
    <Choice
      title="Your decision"
      choices={DECISIONS}
      note="Kept with the decision in the audit chain. Enter sends, shift Enter begins a new line."
      send={(decision, why) => post(`/reviews/${part(review.id)}/close`, { decision, why })}
      saying={(decision) => `Close as ${decision}`}
      done={done}
    />
  );
}
