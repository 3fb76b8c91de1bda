// Statistical charts in Observable Plot: histograms, calibration, bars with intervals, scatter. Loaded when first drawn.
import { useComputedColorScheme } from '@mantine/core';
import { useResizeObserver } from '@mantine/hooks';
import type { PlotOptions } from '@observablehq/plot';
import { useEffect, useRef, useState } from 'react';
import { nonce } from '@/app/nonce';

export type Plot = typeof import('./plot');
export type Draw = (plot: Plot) => PlotOptions;

let loading: Promise<Plot> | undefined;
export const loadPlot = () => {
  loading ??= import('./plot');
  return loading;
};

/** `draw` says what to draw from the loaded library; it must be stable (useCallback) or change with the data. */
export function Figure({ draw, height = 240 }: { draw: Draw; height?: number }) {
  const [ref, box] = useResizeObserver<HTMLDivElement>();
  const holder = useRef<HTMLDivElement>(null);
  const [plot, setPlot] = useState<Plot>();
  const scheme = useComputedColorScheme('light');
  // The library travels when the first figure comes into view.
  useEffect(() => {
    let on = true;
    const load = () => void loadPlot().then((loaded) => on && setPlot(loaded));
    const seen = new IntersectionObserver((entries) => {
      if (!entries.some((entry) => entry.isIntersecting)) return;
      seen.disconnect();
      load();
    });
    if (holder.current) seen.observe(holder.current);
    return () => {
      on = false;
      seen.disconnect();
    };
  }, []);
  // biome-ignore lint/correctness/useExhaustiveDependencies: colours come from the style sheet, which changes with the scheme
  useEffect(() => {
    if (!plot || !holder.current || !box.width) return;
    const element = plot.plot({
      width: Math.floor(box.width),
      height,
      style: { background: 'transparent', fontSize: '12px' },
      ...draw(plot),
    });
    for (const style of element.querySelectorAll('style')) style.nonce = nonce();
    holder.current.replaceChildren(element);
    return () => element.remove();
  }, [plot, draw, box.width, height, scheme]);
  return (
    <div ref={ref} className="figure" style={{ minHeight: height }}>
      <div ref={holder} aria-hidden="true" style={{ minHeight: height }} />
    </div>
  );
}
