// A case: a request that a person decides instead of the model. What it asks is shown, what the model said is not,
// until it is decided.
import { part, post } from '@/api/client';
import type { ReviewFacts } from '@/api/facts';
import { useGet } from '@/api/queries';
import { Card, Facts, NodeLink, Problem, Shown } from '@/parts/basics';
import { number } from '@/parts/format';
import { Choice } from './choice';

interface Tensor {
  name: string;
  data: unknown[];
}
interface CaseFacts {
  id: string;
  state: 'open' | 'decided';
  deployment: string;
  prediction_id: string;
  rule: string;
  rows: number[];
  matched: number;
  release: string;
  arm: string;
  model: string;
  version: number;
  decision: { labels: { row: number; label: number }[]; why: string; by: string; at: string } | null;
  outputs: Tensor[] | null;
}

const LABELS = [
  { value: 1, key: '1', label: 'Yes', about: 'It came true, or will.' },
  { value: 0, key: '2', label: 'No', about: 'It did not, or will not.' },
];

export const caseOf = (review: ReviewFacts): string | null => {
  const id = review.subjects[0]?.evidence.prediction_id;
  return review.kind === 'case' && typeof id === 'string' ? `case-${id}` : null;
};

const shown = (value: unknown): string => {
  if (value === null || value === undefined) return '–';
  if (typeof value === 'number') return number(value, 5);
  return Array.isArray(value) ? value.map(shown).join(', ') : String(value);
};

function Rows({ tensors, rows, label }: { tensors: Tensor[]; rows: number[]; label: string }) {
  return (
    <div className="scroll-x" tabIndex={0} role="region" aria-label={label}>
      <table className="plain">
        <thead>
          <tr>
            <th scope="col">Name</th>
            {rows.map((row) => (
              <th key={row} scope="col" className="right">
                Row {row}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {tensors.map((tensor) => (
            <tr key={tensor.name}>
              <th scope="row">{tensor.name}</th>
              {rows.map((row) => (
                <td key={row} className="right">
                  {shown(tensor.data[row])}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

export function CaseView({ id }: { id: string }) {
  const asked = useGet<CaseFacts>(`/cases/${part(id)}`);
  const prediction = useGet<{ inputs: Tensor[] }>(
    `/predictions/${part(asked.data?.prediction_id ?? '')}`,
    {},
    { enabled: asked.data !== undefined },
  );
  return (
    <Shown of={asked}>
      {(facts) => (
        <>
          <Card title="What is asked">
            <p style={{ marginTop: 0 }}>
              The rule <strong>{facts.rule}</strong> sends {facts.matched === 1 ? 'a row' : `${facts.matched} rows`} of
              this request to a person.
            </p>
            {prediction.error && <Problem error={prediction.error} />}
            {prediction.data && (
              <Rows tensors={prediction.data.inputs} rows={facts.rows} label="Inputs of the request" />
            )}
          </Card>
          {facts.outputs && (
            <Card title="What the model said">
              <Rows tensors={facts.outputs} rows={facts.rows} label="Outputs of the model" />
            </Card>
          )}
          <Card title="Where it came from">
            <Facts
              of={[
                ['Deployment', <NodeLink key="deployment" node={`deployment:${facts.deployment}`} />],
                ['Version', <NodeLink key="version" node={`model:${facts.model}@${facts.version}`} />],
                ['Arm', facts.arm],
                ['Prediction', <NodeLink key="prediction" node={`prediction:${facts.prediction_id}`} />],
              ]}
            />
          </Card>
        </>
      )}
    </Shown>
  );
}

export function CaseAnswer({ id, done }: { id: string; done: () => void }) {
  return (
    <Choice
      title="Your decision, for all of its rows"
      choices={LABELS}
      note="Kept with the decision, which becomes a label of the prediction. Enter sends."
      send={(label, why) => post(`/cases/${part(id)}/decide`, { label, why })}
      saying={(label) => `Decide: ${label === 1 ? 'yes' : 'no'}`}
      done={done}
    />
  );
}
