import { Link } from '@tanstack/react-router';
import type { TrendPoint } from '../api/drills.ts';
import { useLanguage, useTexts } from '../texts/texts.ts';
import { timeText } from '../texts/values.ts';
import { preciseText } from './duration.ts';

interface TrendChartProps {
  readonly label: string;
  readonly points: readonly TrendPoint[];
  readonly measure: (point: TrendPoint) => number | null;
}

/** Room for a point at the edges, in percent. */
const EDGE = 3;
const TOP = 8;
const BOTTOM = 92;

/** One value over the drills of a plan, in order. Green drills are dots, red ones squares; each leads to its drill. */
export function TrendChart({ label, points, measure }: TrendChartProps) {
  const t = useTexts();
  const language = useLanguage();
  const most = Math.max(1, ...points.map((point) => measure(point) ?? 0));
  const step = points.length > 1 ? (100 - 2 * EDGE) / (points.length - 1) : 0;
  const placed = points.flatMap((point, i) => {
    const value = measure(point);
    if (value === null) return [];
    const x = points.length > 1 ? EDGE + i * step : 50;
    return [{ point, value, x, y: BOTTOM - (value / most) * (BOTTOM - TOP) }];
  });
  return (
    <figure className="trend">
      <figcaption>
        <strong>{label}</strong>{' '}
        <span className="soft">{t('drill.most', { value: preciseText(most, language) })}</span>
      </figcaption>
      {/* biome-ignore lint/a11y/useSemanticElements: a group of links inside of a drawing */}
      <svg width="100%" height="96" role="group" aria-label={label}>
        <line x1="0" x2="100%" y1={`${BOTTOM}%`} y2={`${BOTTOM}%`} className="trend-ground" />
        {placed.slice(1).map(({ point, x, y }, i) => (
          <line
            key={point.id}
            x1={`${placed[i]!.x}%`}
            y1={`${placed[i]!.y}%`}
            x2={`${x}%`}
            y2={`${y}%`}
            className="trend-line"
          />
        ))}
        {placed.map(({ point, value, x, y }) => {
          const name = t('drill.trendPoint', {
            when: timeText(point.started_at, language),
            value: preciseText(value, language),
            result: t(`drill.${point.result}`),
          });
          return (
            <Link key={point.id} to="/drills/$id" params={{ id: point.id }} aria-label={name}>
              <title>{name}</title>
              <Shape isGreen={point.result === 'green'} x={`${x}%`} y={`${y}%`} />
            </Link>
          );
        })}
      </svg>
    </figure>
  );
}

const SIZE = 9;

function Shape({ isGreen, x, y }: { readonly isGreen: boolean; readonly x: string; readonly y: string }) {
  if (isGreen) return <circle cx={x} cy={y} r={SIZE / 2} className="trend-good" />;
  return (
    <rect
      x={x}
      y={y}
      width={SIZE}
      height={SIZE}
      transform={`translate(${-SIZE / 2} ${-SIZE / 2})`}
      className="trend-bad"
    />
  );
}
