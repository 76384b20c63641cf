import type { CopyFailurePayload, CopyStatusPayload } from '../contracts/cli-payloads.ts';
import type { CopyFailure, CopyStatus, DoneAt } from './engine-door.ts';
import { formatCount, formatSize, printable } from './format.ts';

export function copyStatusPayload(status: CopyStatus): CopyStatusPayload {
  return { ...status, failures: status.failures.map(failurePayload) };
}

export function failurePayload({ backupId, code, message, next }: CopyFailure): CopyFailurePayload {
  return { backupId, code, message, next };
}

/** Destinations at which something was not done. */
export function failuresPayload(answers: readonly DoneAt<unknown>[]) {
  return answers.flatMap(({ destination, failure }) =>
    failure ? [{ destination, ...failurePayload(failure) }] : [],
  );
}

/** One line for each destination, and below it what went wrong there. */
export function renderCopies(copies: readonly CopyStatus[]): string {
  return copies
    .map((copy) => `  ${printable(copy.destination)}: ${renderCopy(copy)}\n${renderFailures(copy.failures)}`)
    .join('');
}

function renderCopy({ status, copied, storedBytes, missing }: CopyStatus): string {
  const came = copied > 0 ? `${formatCount(copied, 'backup')} copied, new ${formatSize(storedBytes)}` : '';
  if (status === 'missing')
    return [missing > 0 ? `COPY MISSING, ${formatCount(missing, 'backup')}` : 'NOT COMPLETE', came]
      .filter(Boolean)
      .join(', ');
  const stands = status === 'stored' ? 'stored' : 'complete';
  return [stands, came].filter(Boolean).join(', ');
}

/** Each failure once: several backups may fail for one reason. */
export function renderFailures(failures: readonly CopyFailure[]): string {
  const lines = failures.map(({ backupId, message, next }) => {
    const what = backupId === null ? '' : `backup ${backupId}: `;
    return `    ${what}${printable(message)}\n      next: ${printable(next)}\n`;
  });
  return [...new Set(lines)].join('');
}
