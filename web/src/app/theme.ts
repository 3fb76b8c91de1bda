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

// The greys of the dark theme, with the hue of the accent: those of app.css and what lies between.
const dark: MantineColorsTuple = [
  '#e4e9ed',
  '#c3ccd3',
  '#a7b2bc',
  '#7d8993',
  '#3d4852',
  '#313a42',
  '#232a31',
  '#1b2126',
  '#14181c',
  '#0e1114',
];

export const theme = createTheme({
  primaryColor: 'water',
  primaryShade: { light: 8, dark: 7 },
  autoContrast: true,
  colors: { water, dark },
  luminanceThreshold: 0.179, // where black and white read equally well
  fontFamily: 'system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", sans-serif',
  fontFamilyMonospace: 'ui-monospace, "SF Mono", "Cascadia Mono", "DejaVu Sans Mono", monospace',
  defaultRadius: 'md',
  cursorType: 'pointer',
  respectReducedMotion: true,
  // Named by a text, so that neither is loaded before it is used. A dialog's head is no banner of the page.
  components: {
    ...Object.fromEntries(
      ['Modal', 'Drawer'].map((name) => [
        name,
        {
          defaultProps: {
            closeButtonProps: { 'aria-label': 'Close' },
            attributes: { header: { role: 'presentation' } },
          },
        },
      ]),
    ),
    // A menu lies within the page's landmark, and holds nothing but its items: the first one has the focus.
    Menu: { defaultProps: { portalProps: { target: '#page' }, withInitialFocusPlaceholder: false } },
  },
});

/** Series of a chart, in order: Okabe and Ito, lighter on a dark ground (app.css). On a canvas: css(`--series-0`). */
export const SERIES = [0, 1, 2, 3, 4, 5, 6, 7].map((index) => `var(--series-${index})`);
