// Series over time or steps in uPlot (a canvas: a million points stay smooth), with bands, limits and markers.
import { useComputedColorScheme } from '@mantine/core';
import { useResizeObserver } from '@mantine/hooks';
import { useEffect, useMemo, useRef } from 'react';
import uPlot from 'uplot';
import 'uplot/dist/uPlot.min.css';
import { nonce } from '@/app/nonce';
import { SERIES } from '@/app/theme';
import { localTime, number } from '@/parts/format';
import { loadPlot } from './figure';
import { ChartFrame } from './frame';

export interface Line {
  name: string;
  values: (number | null)[];
  low?: (number | null)[]; // a band: interval, or the extremes of a bucket
  high?: (number | null)[];
  dash?: boolean;
  span?: boolean; // passes over holes: other lines have points where this one has none
}
export interface Limit {
  name: string;
  value: number;
  tone: 'warn' | 'bad' | 'quiet';
}
export interface Marker {
  at: number;
  name: string;
}

interface SeriesProps {
  title: string;
  x: number[]; // ms since the epoch when `time`, else steps
  time?: boolean;
  lines: Line[];
  limits?: Limit[];
  markers?: Marker[];
  unit?: string;
  note?: string;
  height?: number;
  onZoom?: (from: number, to: number) => void; // asks the server for the part that is seen
  onZoomOut?: () => void;
  zoomed?: boolean;
}

const DASHES = [[], [6, 4], [2, 3], [9, 3, 2, 3]];
const css = (name: string) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

export function Series(props: SeriesProps) {
  const { title, x, time, lines, limits = [], markers = [], unit = '', height = 240 } = props;
  const [ref, box] = useResizeObserver<HTMLDivElement>();
  const holder = useRef<HTMLDivElement>(null);
  const scheme = useComputedColorScheme('light');
  const zoom = useRef(props.onZoom);
  zoom.current = props.onZoom;

  const data = useMemo(() => {
    const columns: (number | null)[][] = [];
    for (const line of lines) {
      columns.push(line.values);
      if (line.low && line.high) columns.push(line.low, line.high);
    }
    return [time ? x.map((at) => at / 1000) : x, ...columns] as uPlot.AlignedData;
  }, [x, time, lines]);

  // biome-ignore lint/correctness/useExhaustiveDependencies: colours come from the style sheet, which changes with the scheme
  useEffect(() => {
    if (!holder.current || !box.width || x.length === 0) return;
    const text = css('--chart-text');
    const grid = css('--chart-grid');
    const series: uPlot.Series[] = [
      {
        label: time ? 'time' : 'step',
        value: (_, value) => (value === null ? '–' : time ? localTime(value * 1000) : number(value)),
      },
    ];
    const bands: uPlot.Band[] = [];
    lines.forEach((line, index) => {
      const stroke = css(`--series-${index % SERIES.length}`);
      const shown = (_: uPlot, value: number | null) => (value === null ? '–' : `${number(value)}${unit}`);
      series.push({
        label: line.name,
        stroke,
        width: 1.6,
        spanGaps: line.span,
        dash: line.dash ? [6, 4] : DASHES[Math.floor(index / SERIES.length) % 4],
        value: shown,
        points: { show: x.length < 60, size: 5 },
      });
      if (line.low && line.high) {
        const hidden = { class: 'band', stroke: 'transparent', width: 0, points: { show: false }, value: shown };
        series.push({ ...hidden, label: `${line.name} low` }, { ...hidden, label: `${line.name} high` });
        bands.push({ series: [series.length - 1, series.length - 2], fill: `${stroke}2e` });
      }
    });
    const overlay = (plot: uPlot) => {
      const { ctx, bbox } = plot;
      ctx.save();
      ctx.lineWidth = devicePixelRatio;
      ctx.font = `${11 * devicePixelRatio}px system-ui`;
      ctx.textAlign = 'left';
      ctx.textBaseline = 'alphabetic';
      for (const limit of limits) {
        const y = plot.valToPos(limit.value, 'y', true);
        if (y < bbox.top || y > bbox.top + bbox.height) continue;
        ctx.strokeStyle = ctx.fillStyle = css(`--${limit.tone}`);
        ctx.setLineDash([4 * devicePixelRatio, 4 * devicePixelRatio]);
        ctx.beginPath();
        ctx.moveTo(bbox.left, y);
        ctx.lineTo(bbox.left + bbox.width, y);
        ctx.stroke();
        ctx.fillText(limit.name, bbox.left + 4 * devicePixelRatio, y - 4 * devicePixelRatio);
      }
      ctx.setLineDash([2 * devicePixelRatio, 3 * devicePixelRatio]);
      ctx.strokeStyle = ctx.fillStyle = text;
      for (const marker of markers) {
        const at = plot.valToPos(time ? marker.at / 1000 : marker.at, 'x', true);
        if (at < bbox.left || at > bbox.left + bbox.width) continue;
        ctx.beginPath();
        ctx.moveTo(at, bbox.top);
        ctx.lineTo(at, bbox.top + bbox.height);
        ctx.stroke();
        ctx.fillText(marker.name, at + 3 * devicePixelRatio, bbox.top + 10 * devicePixelRatio);
      }
      ctx.restore();
    };
    const axis = {
      stroke: text,
      grid: { stroke: grid, width: 1 },
      ticks: { stroke: grid, width: 1 },
      font: '11px system-ui',
    };
    const plot = new uPlot(
      {
        width: Math.floor(box.width),
        height,
        series,
        bands,
        scales: {
          x: { time: time ?? false },
          // Limits are seen when they are near what is measured.
          y: {
            range: (_, low, high) => {
              if (low === null || high === null) return [0, 1];
              const span = high - low || Math.abs(high) || 1;
              const room = (high - low || Math.abs(high) || 1) * 0.08;
              const near = limits
                .map((limit) => limit.value)
                .filter((value) => value > low - 1.5 * span && value < high + 1.5 * span);
              return [Math.min(low, ...near) - room, Math.max(high, ...near) + room];
            },
          },
        },
        axes: [axis, { ...axis, size: 64, values: (_, splits) => splits.map((split) => `${number(split)}${unit}`) }],
        cursor: { drag: { x: true, y: false, setScale: !props.onZoom }, focus: { prox: 24 } },
        legend: { show: lines.length > 1 && lines.length <= 12, live: true },
        hooks: {
          draw: [overlay],
          setSelect: [
            (self) => {
              if (!zoom.current || self.select.width < 4) return;
              const factor = time ? 1000 : 1;
              zoom.current(
                self.posToVal(self.select.left, 'x') * factor,
                self.posToVal(self.select.left + self.select.width, 'x') * factor,
              );
              self.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
            },
          ],
        },
      },
      data,
      holder.current,
    );
    return () => plot.destroy();
  }, [data, box.width, height, scheme, limits, markers, unit, time]);

  const table = useMemo(
    () => ({
      columns: [
        time ? 'time (UTC)' : 'step',
        ...lines.flatMap((line) => (line.low ? [line.name, `${line.name} low`, `${line.name} high`] : [line.name])),
      ],
      rows: x.map((at, index) => [
        time ? new Date(at).toISOString() : at,
        ...lines.flatMap((line) =>
          line.low && line.high ? [line.values[index], line.low[index], line.high[index]] : [line.values[index]],
        ),
      ]),
    }),
    [x, time, lines],
  );

  const svg = async () => {
    const plot = await loadPlot();
    const points = lines.flatMap((line) =>
      x.map((at, index) => ({
        at: time ? new Date(at) : at,
        value: line.values[index],
        low: line.low?.[index],
        high: line.high?.[index],
        name: line.name,
      })),
    );
    const svg = plot.plot({
      width: 900,
      height: 360,
      marginLeft: 60,
      y: { grid: true, label: unit || null },
      x: { label: null },
      color: { legend: false, domain: lines.map((line) => line.name), range: SERIES },
      marks: [
        plot.areaY(points, { x: 'at', y1: 'low', y2: 'high', fill: 'name', fillOpacity: 0.18 }),
        plot.lineY(points, { x: 'at', y: 'value', stroke: 'name' }),
        plot.ruleY(limits, { y: 'value', strokeDasharray: '4,4' }),
        // A mark for each name: within one all are shifted alike.
        ...lines.map(({ name }, index) =>
          plot.text([{ name }], { frameAnchor: 'top-left', text: 'name', fill: 'name', dy: 14 * index }),
        ),
      ],
    }) as unknown as SVGSVGElement;
    for (const style of svg.querySelectorAll('style')) style.nonce = nonce();
    return svg;
  };

  return (
    <ChartFrame
      title={title}
      table={table}
      note={props.note}
      svg={svg}
      actions={
        props.zoomed && (
          <button type="button" onClick={props.onZoomOut} style={{ font: 'inherit', fontSize: 12 }}>
            whole range
          </button>
        )
      }
    >
      <div ref={ref} style={{ minHeight: height }}>
        <div ref={holder} aria-hidden="true" />
      </div>
    </ChartFrame>
  );
}
