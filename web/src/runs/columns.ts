// The columns of the table of runs, as they stand in the address: metrics.auc~max,params.depth,tags.team
export type Aggregate = 'last' | 'min' | 'max';
export const AGGREGATES: Aggregate[] = ['last', 'min', 'max'];

export interface Chosen {
  column: string; // what the server calls it: metrics.auc
  aggregate: Aggregate;
}

export interface MetricValue {
  last: number | null;
  min: number | null;
  max: number | null;
  step?: number | null;
}
export type Value = MetricValue | string | number | null | undefined;

export interface Run {
  run_id: string;
  name: string;
  status: string;
  start_time: string | null;
  end_time: string | null;
  user: string;
  experiment_id: string;
  values: Record<string, Value>;
}

export function readChosen(text: string | undefined): Chosen[] {
  return (text ?? '')
    .split(',')
    .filter(Boolean)
    .map((each) => {
      const mark = each.lastIndexOf('~');
      const aggregate = mark < 0 ? 'last' : (each.slice(mark + 1) as Aggregate);
      return AGGREGATES.includes(aggregate) && mark >= 0
        ? { column: each.slice(0, mark), aggregate }
        : { column: each, aggregate: 'last' };
    });
}

export const writeChosen = (chosen: Chosen[]) =>
  chosen.map(({ column, aggregate }) => (aggregate === 'last' ? column : `${column}~${aggregate}`)).join(',');

export const isMetric = (column: string) => column.startsWith('metrics.');
/** metrics.auc -> auc */
export const keyOf = (column: string) => column.slice(column.indexOf('.') + 1);
export const kindOf = (column: string) => column.slice(0, column.indexOf('.')).replace(/s$/, '');

export function valueIn(value: Value, aggregate: Aggregate = 'last'): string | number | null {
  if (value === null || value === undefined) return null;
  return typeof value === 'object' ? (value[aggregate] ?? null) : value;
}

/** Does anything among these runs differ in a column? A run without a value differs from one with it. */
export function differs(runs: Run[], { column, aggregate }: Chosen): boolean {
  if (runs.length < 2) return true;
  const first = valueIn(runs[0].values[column], aggregate);
  return runs.some((run) => valueIn(run.values[column], aggregate) !== first);
}

/** A column's name in MLflow's grammar: quoted where it needs to be. */
export function quoted(column: string): string {
  const key = keyOf(column);
  const head = column.slice(0, column.indexOf('.'));
  return /^[A-Za-z_][A-Za-z0-9_]*$/.test(key) ? column : `${head}.\`${key}\``;
}

/** "metrics.auc DESC" and what the table knows of it. */
export function readOrder(text: string | undefined): { by: string; down: boolean } | undefined {
  const match = /^(.+?)(?:\s+(ASC|DESC))?$/i.exec(text?.trim() ?? '');
  return match?.[1] ? { by: match[1], down: match[2]?.toUpperCase() === 'DESC' } : undefined;
}

export const took = (run: { start_time: string | null; end_time: string | null }) =>
  run.start_time && run.end_time ? (Date.parse(run.end_time) - Date.parse(run.start_time)) / 1000 : null;

export const listOf = (text: string | undefined) => (text ?? '').split(',').filter(Boolean);
