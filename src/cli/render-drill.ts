import type { DrillReport } from './engine-door.ts';
import { formatDuration, formatSize, formatTime, printable } from './format.ts';

/** What a drill found, for a terminal. Whole lines. */
export function renderDrill(report: DrillReport): string {
  const { backup, plan, failure, checks, phases, rtoMs, rpoMs } = report;
  const what = backup
    ? `backup ${backup.id} of ${formatTime(Date.parse(backup.startedAt))} (${formatSize(backup.sizeBytes)})`
    : 'no backup';
  const lines = [`drill of ${printable(plan ?? 'the newest backup')}: ${what}`];
  for (const { status, name, detail } of checks) {
    lines.push(`  ${status === 'green' ? 'green' : 'RED  '}  ${printable(name)}: ${printable(detail)}`);
  }
  if (failure)
    lines.push(
      `  RED    it could not run to its end: ${printable(failure.message)}`,
      `         next: ${printable(failure.next)}`,
    );
  const times = phases.map(({ name, durationMs }) => `${name} ${formatDuration(durationMs)}`);
  if (times.length > 0) lines.push(`  phases: ${times.join(', ')}`);
  for (const limit of report.limits) lines.push(`  not proven: ${printable(limit)}`);
  const red = checks.filter(({ status }) => status === 'red').length + (failure ? 1 : 0);
  const recovered = rtoMs === null ? 'not recovered' : `recovered in ${formatDuration(rtoMs)}`;
  const age = rpoMs === null ? '' : `, data ${formatDuration(rpoMs)} old`;
  lines.push(
    report.result === 'green'
      ? `PASSED: ${recovered}${age}, ${checks.length} checks green`
      : `FAILED: ${red} red, ${recovered}${age}`,
  );
  return lines.map((line) => `${line}\n`).join('');
}

/** The fields of a report that commands show with --json. */
export function reportPayload(report: DrillReport) {
  const { drillId, result, plan, tenantId, destination, backup, startedAt, finishedAt, rtoMs, rpoMs } =
    report;
  const { phases, checks, failure, surroundings, limits } = report;
  return {
    ...{ drillId, result, plan, tenantId, destination, backup, startedAt, finishedAt, rtoMs, rpoMs },
    ...{ phases, checks, failure, surroundings, limits },
  };
}
