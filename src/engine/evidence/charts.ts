/** Charts as inline SVG. Nothing is told by colour alone: every bar has its number, every drill its mark. */
import type { DrillPhase, DrillReport, TrendPoint } from './drill-report.ts';
import { durationText, escaped } from './page-text.ts';

const WIDTH = 760;
const LABEL = 110;
const ROW = 26;

const PHASE_TEXT: Readonly<Record<DrillPhase['name'], string>> = {
  open: 'open',
  prepare: 'make server',
  load: 'load rows',
  index: 'indexes',
  files: 'files',
  compare: 'compare',
  application: 'application',
  checks: 'checks',
};

/** One bar for each phase, in order, all on one scale. */
export function phaseChart(phases: readonly DrillPhase[]): string {
  if (phases.length === 0) return '<p>No phase was reached.</p>';
  const longest = Math.max(1, ...phases.map(({ durationMs }) => durationMs));
  const room = WIDTH - LABEL - 90;
  const bars = phases.map(({ name, durationMs }, i) => {
    const y = i * ROW;
    const width = Math.max(2, Math.round((durationMs / longest) * room));
    const label = `<text class="soft" x="${LABEL - 8}" y="${y + 17}" text-anchor="end">${PHASE_TEXT[name]}</text>`;
    const value = `<text x="${LABEL + width + 8}" y="${y + 17}">${durationText(durationMs)}</text>`;
    return `${label}<rect class="bar" x="${LABEL}" y="${y + 5}" width="${width}" height="16" rx="3"/>${value}`;
  });
  const said = phases
    .map(({ name, durationMs }) => `${PHASE_TEXT[name]} ${durationText(durationMs)}`)
    .join(', ');
  return svg(phases.length * ROW + 4, `Time by phase: ${said}`, bars.join(''));
}

const TREND_HEIGHT = 150;
const BASE = 120;
const DRILLS_SHOWN = 24;

/** Recovery times of this drill and those before it, oldest first. A red drill that did not recover has a mark and no bar. */
export function trendChart(report: DrillReport): string {
  const own: TrendPoint = {
    ...{ drillId: report.drillId, startedAt: report.startedAt, result: report.result },
    ...{ rtoMs: report.rtoMs, rpoMs: report.rpoMs },
  };
  const points = [...report.trend, own].slice(-DRILLS_SHOWN);
  const longest = Math.max(1, ...points.map(({ rtoMs }) => rtoMs ?? 0));
  const step = Math.min(60, (WIDTH - 20) / points.length);
  const bars = points.map((point, i) => {
    const x = Math.round(10 + i * step);
    const width = Math.max(4, Math.round(step * 0.6));
    const height = point.rtoMs === null ? 0 : Math.max(2, Math.round((point.rtoMs / longest) * (BASE - 30)));
    const isGreen = point.result === 'green';
    const middle = x + width / 2;
    const mark = `<text class="${isGreen ? 'good' : 'bad'}" x="${middle}" y="${BASE + 18}" text-anchor="middle">${isGreen ? '✓' : '✗'}</text>`;
    const title = `<title>${escaped(point.startedAt.slice(0, 16).replace('T', ' '))}: ${isGreen ? 'passed' : 'failed'}${point.rtoMs === null ? '' : `, ${durationText(point.rtoMs)}`}</title>`;
    return `<g>${title}<rect class="${isGreen ? 'bar' : 'bad'}" x="${x}" y="${BASE - height}" width="${width}" height="${height}" rx="2"/>${mark}</g>`;
  });
  const axis = `<line class="axis" x1="0" y1="${BASE}" x2="${WIDTH}" y2="${BASE}"/><text class="soft" x="0" y="14">longest ${durationText(longest)}</text>`;
  const green = points.filter(({ result }) => result === 'green').length;
  const said = `${green} of the last ${points.length} drills passed; recovery times up to ${durationText(longest)}`;
  return `${svg(TREND_HEIGHT, said, axis + bars.join(''))}<p>${said}.</p>`;
}

function svg(height: number, label: string, content: string): string {
  return `<svg viewBox="0 0 ${WIDTH} ${height}" role="img" aria-label="${escaped(label)}">${content}</svg>`;
}
