import { createTheme, type MantineColorsTuple } from '@mantine/core';

// One accent; the colours of states are Okabe and Ito's (safe for colour-blind readers), darkened where they carry text.
const water: MantineColorsTuple = [
  '#e6f6f9',
  '#d3eaef',
  '#a6d5df',
  '#76bfcf',
  '#50acc1',
  '#389fb8',
  '#2898b3',
  '#14788f',
  '#0b5c70',
  '#004f61',
];

export const theme = createTheme({
  primaryColor: 'water',
  primaryShade: { light: 8, dark: 7 },
  autoContrast: true,
  luminanceThreshold: 0.179, // where black and white read equally well
  colors: { water },
  fontFamily: 'system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", sans-serif',
  fontFamilyMonospace: 'ui-monospace, "SF Mono", "Cascadia Mono", "DejaVu Sans Mono", monospace',
  defaultRadius: 'md',
  cursorType: 'pointer',
  respectReducedMotion: true,
});

/** Series of a chart, in order: Okabe and Ito. */
export const SERIES = ['#0072b2', '#d55e00', '#009e73', '#cc79a7', '#e69f00', '#56b4e9', '#8c6bb1', '#7f7f7f'];
