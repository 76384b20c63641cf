import { qrCode } from './qr-code.ts';

/** Light all around, as readers need it. */
const QUIET = 4;
const MODULE_PX = 4;

interface QrPictureProps {
  readonly text: string;
  /** For whoever does not see it. */
  readonly label: string;
}

/** Drawn here, so that a secret never leaves the page; dark on light in either scheme. Nothing when the text is too long. */
export function QrPicture({ text, label }: QrPictureProps) {
  const code = qrCode(text);
  if (!code) return null;
  const size = code.length + 2 * QUIET;
  const path = code
    .flatMap((row, y) => row.flatMap((dark, x) => (dark ? [`M${x + QUIET} ${y + QUIET}h1v1h-1z`] : [])))
    .join('');
  return (
    <svg
      role="img"
      aria-label={label}
      width={size * MODULE_PX}
      height={size * MODULE_PX}
      viewBox={`0 0 ${size} ${size}`}
      shapeRendering="crispEdges"
      style={{ maxWidth: '100%', height: 'auto' }}
    >
      <rect width={size} height={size} fill="#ffffff" />
      <path d={path} fill="#000000" />
    </svg>
  );
}
