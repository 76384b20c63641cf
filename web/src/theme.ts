import { type CSSVariablesResolver, createTheme } from '@mantine/core';

/** One accent, the system's letters, little rounding: a tool for work. */
export const theme = createTheme({
  primaryColor: 'teal',
  primaryShade: 9,
  defaultRadius: 'sm',
  fontFamily: 'system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", sans-serif',
  fontFamilyMonospace: 'ui-monospace, SFMono-Regular, Menlo, Consolas, monospace',
  headings: { fontWeight: '650' },
  respectReducedMotion: true,
  cursorType: 'pointer',
  components: {
    // A dialog's head is no head of the page.
    Modal: { defaultProps: { attributes: { header: { role: 'none' } } } },
  },
});

/** Under the pointer a button becomes darker: lighter, its words would be hard to read. */
const HOVER = {
  '--mantine-primary-color-filled-hover': '#066649',
  '--mantine-color-teal-filled-hover': '#066649',
  '--mantine-color-red-filled-hover': '#a61e1e',
};
export const variables: CSSVariablesResolver = () => ({ variables: {}, light: HOVER, dark: HOVER });
