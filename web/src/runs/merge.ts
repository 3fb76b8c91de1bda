// Series of many runs over one axis. A point of the server is [step, ms, min, max, last]: a bucket keeps its extremes.
export type Point = [number, number, number | null, number | null, number | null];
export interface Answer {
  key: string;
  n: number;
  shown: number;
  exact: boolean;
  points: Point[];
}

export interface Merged {
  x: number[];
  lines: {
    name: string;
    span: boolean;
    values: (number | null)[];
    low?: (number | null)[];
    high?: (number | null)[];
  }[];
}

/** One x for all; where a run has no point there is a hole, which its line passes over. */
export function merge(series: { name: string; answer: Answer }[], by: 'step' | 'time'): Merged {
  const at = (point: Point) => (by === 'time' ? point[1] : point[0]);
  const all = new Set<number>();
  for (const { answer } of series) for (const point of answer.points) all.add(at(point));
  const x = [...all].sort((a, b) => a - b);
  const place = new Map(x.map((value, index) => [value, index]));
  return {
    x,
    lines: series.map(({ name, answer }) => {
      const values: (number | null)[] = new Array(x.length).fill(null);
      const low: (number | null)[] = new Array(x.length).fill(null);
      const high: (number | null)[] = new Array(x.length).fill(null);
      for (const point of answer.points) {
        const index = place.get(at(point)) as number;
        values[index] = point[4];
        low[index] = point[2];
        high[index] = point[3];
      }
      return answer.exact ? { name, span: true, values } : { name, span: true, values, low, high };
    }),
  };
}

const whole = new Intl.NumberFormat(undefined, { maximumFractionDigits: 0 });

/** How exact what is drawn is: "1,000 of 10,000,000 points; extremes are kept". */
export function exactness(answers: Answer[]): string {
  const n = answers.reduce((sum, each) => sum + each.n, 0);
  const shown = answers.reduce((sum, each) => sum + each.shown, 0);
  if (n === 0) return 'no points';
  if (answers.every((each) => each.exact)) return `all ${whole.format(n)} points, exact`;
  return `${whole.format(shown)} of ${whole.format(n)} points; extremes are kept. Draw over a part to see it exactly.`;
}
