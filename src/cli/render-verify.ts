import type { VerifyPayload } from '../contracts/cli-payloads.ts';
import { formatCount, formatDuration, formatSize, printable } from './format.ts';

/** What exactly is known to be good: a share of the packs says nothing of the bytes in the others. */
const SCOPES: Readonly<Record<VerifyPayload['scope'], string>> = {
  all: 'every stored byte',
  backup: 'every byte of this backup',
  share: 'every byte of the share looked at, and no backup misses a chunk',
};

/** What a look found, as lines; `next` stands below damage. */
export function renderVerify(
  report: VerifyPayload,
  next = 'next: back up again, what is missing is stored anew; see docs/operations.md, damage\n',
): string {
  const { checked, damaged, rejected, affected } = report;
  const looked = [
    formatCount(checked.objects, 'object'),
    `${formatCount(checked.packs, 'pack')} (${formatSize(checked.packBytes)})`,
    formatCount(checked.backups, 'backup'),
    `in ${formatDuration(report.durationMs)}`,
  ].join(', ');
  const unlisted =
    report.unlistedPacks > 0
      ? `${formatCount(report.unlistedPacks, 'pack')} in no index: reading is slower until the next holdfast prune\n`
      : '';
  const replaced = report.replaced.map(
    ({ name }) => `replaced: ${printable(name)} is damaged and not needed any more\n`,
  );
  if (report.ok) return [`good: ${SCOPES[report.scope]} (${looked})\n`, ...replaced, unlisted].join('');
  const lines = [...damaged, ...rejected].map(({ name, why }) => `  ${printable(name)}: ${printable(why)}\n`);
  return [
    `not good: ${formatCount(lines.length, 'object')} (looked at ${looked})\n`,
    ...lines,
    affected.length > 0 ? 'backups that cannot be restored completely:\n' : 'no backup is affected\n',
    ...affected.map(renderAffected),
    ...replaced,
    unlisted,
    next,
  ].join('');
}

function renderAffected({ id, startedAt, artifacts }: VerifyPayload['affected'][number]): string {
  const head = `  ${id} of ${startedAt.slice(0, 16).replace('T', ' ')}`;
  if (artifacts.length === 0) return `${head}: all of it\n`;
  const lines = artifacts.map(({ artifact, why, paths, morePaths }) => {
    const shown = paths.slice(0, 10);
    const more = paths.length - shown.length + morePaths;
    const rest = more > 0 ? [`and ${formatCount(more, 'more file')}`] : [];
    const files = [...shown, ...rest].map((path) => `      ${printable(path)}\n`).join('');
    return `    ${printable(artifact)}: ${printable(why)}\n${files}`;
  });
  return `${head}\n${lines.join('')}`;
}
