import { join } from 'node:path';
import { readLines } from './lines.ts';
import { type LedgerReport, type Problem, problem } from './report.ts';
import { entrySchema, keyDetailSchema } from './schemas.ts';
import { STREAMS, type Stream } from './statements.ts';
import { type KeptStatement, type ReadStatement, readStatement, statementProblem } from './verify-anchors.ts';
import { compareKeys, verifyKeyList } from './verify-keys.ts';
import { type ProvenStream, verifyStream } from './verify-stream.ts';

export interface VerifyLedgerRequest {
  /** With the five files of a dump. */
  readonly folder: string;
  /** What was found where heads are kept; null when nobody looked. */
  readonly kept: readonly KeptStatement[] | null;
  /** Key ids that are known from elsewhere: each must have signed here. */
  readonly pinned: readonly string[];
}

/**
 * Proves a dump of the ledger from nothing but its five files and what was kept elsewhere. Never throws for what is in them.
 * Files may come from anybody: memory stays small, whatever they hold.
 */
export async function verifyLedgerDump({ folder, kept, pinned }: VerifyLedgerRequest): Promise<LedgerReport> {
  const ledgerId = await ledgerIdOf(folder);
  const statements = (kept ?? []).map((one) => ({ one, read: readStatement(one) }));
  const own = statements.flatMap(({ read }) => (read && read.ledgerId === ledgerId ? [read] : []));
  const proven = async (stream: Stream) =>
    verifyStream(
      folder,
      stream,
      own.flatMap(({ heads }) => heads.filter((head) => head.stream === stream)),
    );
  const streams: Record<Stream, ProvenStream> = {
    audit_vault: await proven('audit_vault'),
    org_admin_reads: await proven('org_admin_reads'),
  };
  const problems = STREAMS.flatMap((stream) => streams[stream].problems);
  // What follows compares whole streams; where one is broken, it would only say so again.
  if (problems.length === 0) problems.push(...(await wholeProblems(folder, streams)));
  const found = own.map((statement) => ({ statement, flaw: statementProblem(statement, streams) }));
  problems.push(...uniqueProblems(found.flatMap(({ flaw }) => (flaw && flaw !== 'unknown' ? flaw : []))));
  for (const { one, read } of statements) {
    if (!read) problems.push(problem('anchor_unproven', one.where, `${one.where} is no head of a ledger`));
  }
  const agreeing = found.filter(({ flaw }) => flaw === null).map(({ statement }) => statement);
  if (kept && own.length === 0) {
    problems.push(problem('anchor_missing', folder, 'nothing that was looked at has seen this ledger'));
  }
  const signers = new Set(STREAMS.flatMap((stream) => signingKeys(streams[stream])));
  for (const keyId of pinned) {
    if (!signers.has(keyId))
      problems.push(problem('key_not_pinned', folder, `the pinned key ${keyId} signed nothing here`));
  }
  const others = new Set(
    statements.flatMap(({ read }) => (read && read.ledgerId !== ledgerId ? [read.ledgerId] : [])),
  );
  return {
    ok: problems.length === 0,
    ledgerId,
    streams: STREAMS.map((stream) => streams[stream].report),
    keys: keysOf(streams, pinned),
    anchors: {
      agreeing: agreeing.length,
      upTo: {
        audit_vault: upTo(agreeing, 'audit_vault'),
        org_admin_reads: upTo(agreeing, 'org_admin_reads'),
      },
    },
    problems,
    warnings: warningsOf(kept !== null, pinned.length > 0, others),
  };
}

/** As the first line says; null when there is none that says it. */
async function ledgerIdOf(folder: string): Promise<string | null> {
  for await (const line of readLines(join(folder, 'audit_vault.ndjson'))) {
    const entry = 'value' in line ? entrySchema.safeParse(line.value) : null;
    const detail = entry?.success ? keyDetailSchema.safeParse(entry.data.detail) : null;
    return (detail?.success && detail.data.ledger_id) || null;
  }
  return null;
}

async function wholeProblems(folder: string, streams: Record<Stream, ProvenStream>): Promise<Problem[]> {
  const { audit_vault: vault, org_admin_reads: reads } = streams;
  if (vault.ledgerId !== reads.ledgerId) {
    return [
      problem('streams_disagree', 'org_admin_reads.ndjson', 'the two streams are of different ledgers'),
    ];
  }
  const compared = compareKeys(vault.keys, reads.keys);
  return compared.length > 0 ? compared : verifyKeyList(folder, vault.keys);
}

/** Of many that say the same about one stream, the one that reaches farthest: the first entry that is gone is named once. */
function uniqueProblems(problems: readonly Problem[]): Problem[] {
  const first = new Map<string, Problem>();
  for (const one of problems) {
    const name = one.code === 'anchor_unproven' ? one.message : `${one.code} ${one.where}`;
    const known = first.get(name);
    if (!known || (one.seq ?? 0) < (known.seq ?? 0)) first.set(name, one);
  }
  return [...first.values()];
}

const signingKeys = ({ keys }: ProvenStream) =>
  [...keys.values()].filter(({ signed }) => signed > 0).map(({ keyId }) => keyId);

function keysOf(streams: Record<Stream, ProvenStream>, pinned: readonly string[]): LedgerReport['keys'] {
  return [...streams.audit_vault.keys.values()].map(({ keyId, retiredSeq, signed }) => ({
    keyId,
    status: retiredSeq === null ? 'active' : 'retired',
    pinned: pinned.includes(keyId),
    entries: signed + (streams.org_admin_reads.keys.get(keyId)?.signed ?? 0),
  }));
}

const upTo = (statements: readonly ReadStatement[], stream: Stream) =>
  Math.max(
    0,
    ...statements.flatMap(({ heads }) =>
      heads.filter((head) => head.stream === stream).map(({ seq }) => seq),
    ),
  );

function warningsOf(looked: boolean, isPinned: boolean, others: ReadonlySet<string>): string[] {
  const warnings: string[] = [];
  if (!looked) warnings.push('no anchors were given: entries missing at the end would not show');
  if (!isPinned) warnings.push('no key was pinned: compare the key ids with those you noted');
  for (const ledgerId of others) warnings.push(`there are also heads of another ledger, ${ledgerId}`);
  return warnings;
}
