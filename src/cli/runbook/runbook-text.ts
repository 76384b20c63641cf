import { type Block, code, heading, list, table, text } from '../document/blocks.ts';
import { formatDuration, formatTime } from '../format.ts';
import type { Runbook, RunbookBackup, RunbookPlan } from './gather.ts';

const timeOf = (iso: string) => `${formatTime(Date.parse(iso))} UTC`;

/** The runbook as people read it, under stress: what to have, then what to type. */
export function runbookBlocks(book: Runbook): Block[] {
  return [
    heading(1, 'Recovery runbook'),
    text(
      `Written ${timeOf(book.madeAt)} on ${book.host}. Names, places and commands are real; no secret is in it. Write it anew after changes: holdfast runbook.`,
    ),
    heading(2, '1 · Where the backups are'),
    table(
      ['destination', 'address', 'region', 'backups', 'repository', 'state when written'],
      book.destinations.map((one) => [
        one.name ?? '(only one)',
        one.address,
        one.region ?? '',
        String(one.backups),
        one.repositoryId ?? `(${one.layout})`,
        one.failure === null ? 'answers' : `DOES NOT ANSWER: ${one.failure}`,
      ]),
    ),
    text(
      'One destination is enough. Where the first does not answer, Holdfast takes the next copy by itself.',
    ),
    heading(2, '2 · What opens them'),
    table(
      ['destination', 'the key is in', 'keys that open it'],
      book.destinations.map((one) => [
        one.name ?? one.address,
        one.encryption === 'none' ? 'NOT ENCRYPTED: nothing is needed, by anybody' : one.keyPlace,
        one.keys
          .map(({ keyId, label, kind }) => `${keyId} (${kind}${label === '' ? '' : `, ${label}`})`)
          .join(', '),
      ]),
    ),
    text(
      'On another machine take the copy of the key that is kept apart. Without Holdfast, a recovery kit opens the backups: holdfast kit FOLDER makes one, and its RECOVERY.md says how.',
    ),
    ...(book.secrets.length === 0
      ? []
      : [
          text('The configuration refers to these; they are not in it:'),
          table(
            ['where', 'for'],
            book.secrets.map(({ place, of }) => [place, of]),
          ),
        ]),
    heading(2, '3 · Make ready'),
    list([
      'A machine with Node 24 and Holdfast: npm install --global holdfast',
      book.configuration === null
        ? 'The address of the repository in HOLDFAST_REPOSITORY'
        : `The configuration, as it was at ${book.configuration}: every recovery kit has a copy`,
      'The key and the logins of section 2',
      'PostgreSQL databases: a server of the same major version or a newer one, and its client programs',
    ]),
    code(['holdfast doctor', 'holdfast list', 'holdfast verify latest']),
    heading(2, '4 · Restore, in this order'),
    text('Stop the application first. What is replaced is kept, and each step can be undone.'),
    ...book.plans.flatMap(planBlocks),
    ...(book.plans.length === 0 ? [text('There is no backup yet: run holdfast backup.')] : []),
    heading(2, '5 · Afterwards'),
    list([
      'holdfast restore status lists what was replaced and where it is kept; holdfast restore drop-old removes it',
      'Start the application, and look whether people can log in and the newest data is there',
      'holdfast backup, so that the restored state is backed up; holdfast drill proves it',
      'Where a key was lost to somebody else: holdfast key rotate, then holdfast key reencrypt',
    ]),
  ];
}

function planBlocks({ plan, backups, proven, start }: RunbookPlan): Block[] {
  return [
    heading(3, plan === null ? 'Backups that belong to no plan' : `Plan ${plan}`),
    text(provenText(proven)),
    ...(backups.length === 0 ? [text('No good backup of it was found.')] : []),
    ...backups.flatMap(backupBlocks),
    ...(start.length === 0 ? [] : [text('The application is started by:'), code(start)]),
  ];
}

function provenText(proven: RunbookPlan['proven']): string {
  if (proven === null)
    return 'No restore of it was ever proven: how long one takes is not known. holdfast drill finds out.';
  const span = (ms: number | null) => (ms === null ? 'unknown' : formatDuration(ms));
  return `Last proven ${timeOf(proven.at)} (drill ${proven.drillId}): recovery time ${span(proven.rtoMs)}, age of the data ${span(proven.rpoMs)}.`;
}

function backupBlocks({ id, at, destinations, steps }: RunbookBackup): Block[] {
  return [
    text(
      `Backup ${id} of ${timeOf(at)}, at ${destinations.join(', ')}. It was the newest good one; take a newer id of holdfast list when there is one.`,
    ),
    ...steps.flatMap(({ item, commands, note, undo }) => [
      text(`${item}${note ? ` (${note})` : ''}:`),
      code([...commands, ...(undo === null ? [] : [`# to undo it: ${undo}`])]),
    ]),
  ];
}
