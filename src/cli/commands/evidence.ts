import { readFile, writeFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { type Command, InvalidArgumentError } from 'commander';
import type { EvidenceListPayload } from '../../contracts/drill-payload.ts';
import { HoldfastError, systemCode } from '../../engine/base/errors.ts';
import { type Action, type Cli, type CommandResult, examples } from '../cli.ts';
import { atEach } from '../each-destination.ts';
import type { Engine, ProvenEvidence } from '../engine-door.ts';
import { formatDuration, formatTime, printable } from '../format.ts';
import { loadEngine } from '../open-engine.ts';
import { renderDrill, reportPayload } from '../render-drill.ts';
import { renderTable } from '../table.ts';

export function addEvidence(program: Command, action: Action): void {
  const evidence = program
    .command('evidence')
    .description('signed evidence of restore drills: list it, show it, check it without anything else');
  evidence
    .command('list')
    .description('drills whose evidence lies beside the backups, newest first')
    .addHelpText('after', examples('holdfast evidence list', 'holdfast evidence list --json'))
    .action(action(list));
  evidence
    .command('show')
    .description('what a drill found; with --to, its signed files')
    .argument('<drill>', 'beginning of the id of a drill, or `latest`')
    .option('--to <file>', 'write it to a new file: .html for the page, .json for the document')
    .addHelpText(
      'after',
      examples('holdfast evidence show latest', 'holdfast evidence show latest --to drill.html'),
    )
    .action(action(show));
  evidence
    .command('verify')
    .description(
      'check a page or a document with nothing else at hand; exit 0 only when not a byte was changed',
    )
    .argument('<file>', 'what a drill wrote: .html or .json')
    .option('--signer <fingerprint>', 'whose key it must be signed by: 64 hex digits', parseFingerprint)
    .addHelpText(
      'after',
      examples('holdfast evidence verify drill.html', 'holdfast evidence verify drill.json --signer 9f86d0…'),
    )
    .action(action(verify));
}

/** Colons and blanks between the digits do not count. Exported for its test. */
export function parseFingerprint(text: string): string {
  const digits = text.toLowerCase().replace(/[:\s]/g, '');
  if (/^[0-9a-f]{64}$/.test(digits)) return digits;
  throw new InvalidArgumentError('give the 64 hex digits of a fingerprint');
}

async function collected(cli: Cli, read: (engine: Engine) => Promise<readonly ProvenEvidence[]>) {
  const answers = await atEach(cli, read);
  const all = 'alone' in answers ? answers.alone : answers.several.flatMap(({ result }) => result ?? []);
  const byDrill = new Map(all.map((one) => [one.drillId, one]));
  return [...byDrill.values()].sort((a, b) => (a.drillId < b.drillId ? 1 : -1));
}

async function list(cli: Cli): Promise<CommandResult> {
  const drills = await collected(cli, (engine) => engine.listEvidence());
  const json: EvidenceListPayload = drills.map(({ drillId, backupId, report, fingerprint }) => {
    const { plan, tenantId, result, startedAt, rtoMs, rpoMs } = report;
    return { drillId, backupId, plan, tenantId, result, startedAt, rtoMs, rpoMs, fingerprint };
  });
  const span = (ms: number | null) => (ms === null ? '' : formatDuration(ms));
  const table = renderTable(
    [
      { title: 'drill', value: ({ drillId }) => drillId },
      { title: 'when (UTC)', value: ({ startedAt }) => formatTime(Date.parse(startedAt)) },
      { title: 'plan', value: ({ plan }) => plan ?? '' },
      { title: 'result', value: ({ result }) => (result === 'green' ? 'passed' : 'FAILED') },
      { title: 'recovery', value: ({ rtoMs }) => span(rtoMs), align: 'right' },
      { title: 'data age', value: ({ rpoMs }) => span(rpoMs), align: 'right' },
      { title: 'backup', value: ({ backupId }) => backupId },
    ],
    json,
  );
  return { json, text: json.length === 0 ? 'no restore was ever proven here\n' : table };
}

async function show(cli: Cli, drill: string, { to }: { readonly to?: string }): Promise<CommandResult> {
  const all = await collected(cli, async (engine) =>
    drill === 'latest'
      ? engine.listEvidence()
      : (await engine.listEvidence()).filter(({ drillId }) => drillId.startsWith(drill)),
  );
  const found = drill === 'latest' ? all[0] : all.length === 1 ? all[0] : undefined;
  if (!found) {
    const next = 'see holdfast evidence list';
    if (all.length > 1)
      throw new HoldfastError('id_ambiguous', `${all.length} drills have an id that begins with ${drill}`, {
        next,
      });
    throw new HoldfastError('id_unknown', `there is no evidence of a drill ${drill}`, { next });
  }
  const { report, fingerprint } = found;
  const json = { ...reportPayload(report), fingerprint };
  if (to === undefined) {
    return { json: { ...json, files: [] }, text: `${renderDrill(report)}signed by ${fingerprint}\n` };
  }
  const file = resolve(cli.io.folder, to);
  const text = /\.html?$/i.test(file) ? found.page : found.document;
  await writeFile(file, text, { flag: 'wx', mode: 0o600 }).catch((error: unknown) => {
    const isThere = systemCode(error) === 'EEXIST';
    const why = isThere ? 'is there already' : `cannot be written: ${systemCode(error)}`;
    throw new HoldfastError(isThere ? 'target_not_empty' : 'target_failed', `${file} ${why}`, {
      cause: error,
      ...(isThere && { next: 'name a new file' }),
    });
  });
  return { json: { ...json, files: [file] }, text: `written to ${printable(file)}\n` };
}

async function verify(
  cli: Cli,
  name: string,
  { signer }: { readonly signer?: string },
): Promise<CommandResult> {
  const file = resolve(cli.io.folder, name);
  const bytes = await readFile(file).catch((error: unknown) => {
    const code = systemCode(error) ?? 'EIO';
    throw new HoldfastError('usage', `${file} cannot be read: ${code}`, {
      cause: error,
      next: 'name a file that a drill wrote',
    });
  });
  const { verifyEvidence } = await loadEngine(cli);
  const { report, form, fingerprint } = verifyEvidence(bytes, signer ?? null);
  const { drillId, result, plan, startedAt } = report;
  const isCompared = signer !== undefined;
  const whose = isCompared
    ? `signed by ${fingerprint}, as asked\n`
    : `signed by ${fingerprint}\ncompare this with the fingerprint of the host; --signer does it\n`;
  return {
    json: {
      file,
      valid: true,
      form,
      fingerprint,
      signerCompared: isCompared,
      drillId,
      result,
      plan,
      startedAt,
    },
    text: `valid: not a byte of this ${form} was changed\n${whose}${renderDrill(report)}`,
  };
}
