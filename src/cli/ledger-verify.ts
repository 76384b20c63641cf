import { mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { EXIT, HoldfastError } from '../engine/base/errors.ts';
import type { KeptStatement } from '../server/ledger/proof/verify-anchors.ts';
import type { Cli, CommandResult } from './cli.ts';
import { failureOf } from './failure.ts';
import { readKeyTexts } from './key-texts.ts';
import { renderReport } from './ledger-text.ts';
import { mask, warnAboutPassword } from './mask.ts';
import { closedEngineOptions, keyTextsOf, loadEngine, withProgress } from './open-engine.ts';
import { openHere } from './run-ledger.ts';
import { type Destination, givenDestination } from './settings.ts';
import { storageSettings } from './storage-settings.ts';

interface VerifyLedgerOptions {
  readonly anchors?: readonly string[];
  readonly key?: readonly string[];
}

/** Neither a catalog nor a configuration is opened for a dump: only its files, and the destinations that are named. */
export async function verifyLedger(
  cli: Cli,
  folder: string | undefined,
  { anchors, key }: VerifyLedgerOptions,
): Promise<CommandResult> {
  for (const keyId of key ?? []) {
    if (/^[0-9a-f]{64}$/.test(keyId)) continue;
    throw new HoldfastError('usage', `${keyId} is not the id of a ledger key`, {
      next: 'give all 64 digits, as holdfast ledger key list shows them',
    });
  }
  // A mistyped path must not look like a ledger that somebody emptied.
  if (folder !== undefined && !(await isFolder(resolve(cli.io.folder, folder)))) {
    throw new HoldfastError('usage', `${folder} is no folder`, {
      next: 'name one that holdfast ledger dump wrote',
    });
  }
  const kept = anchors ? await keptAt(cli, anchors) : null;
  const { verifyLedgerDump } = await import('../server/ledger/proof/verify-dump.ts');
  const verify = (dump: string) => verifyLedgerDump({ folder: dump, kept, pinned: key ?? [] });
  const report =
    folder === undefined ? await withOwnDump(cli, verify) : await verify(resolve(cli.io.folder, folder));
  return { json: report, text: renderReport(report), exitCode: report.ok ? EXIT.ok : EXIT.damaged };
}

const isFolder = (path: string) =>
  stat(path).then(
    (info) => info.isDirectory(),
    () => false,
  );

async function withOwnDump<T>(cli: Cli, work: (folder: string) => Promise<T>): Promise<T> {
  const { loadLedger } = cli.io;
  if (!loadLedger) throw new HoldfastError('ledger_missing');
  const ledger = await openHere(cli.io, loadLedger, false);
  const folder = await mkdtemp(join(tmpdir(), 'holdfast-ledger-'));
  try {
    const { dumpLedger } = await loadLedger();
    await dumpLedger(ledger.place, folder);
    return await work(folder);
  } finally {
    await ledger.close();
    await rm(folder, { recursive: true, force: true });
  }
}

async function keptAt(cli: Cli, addresses: readonly string[]): Promise<KeptStatement[]> {
  const kept: KeptStatement[] = [];
  for (const address of addresses) {
    warnAboutPassword(cli, address);
    const destination = givenDestination(cli.io, { repository: address })!;
    const storage = await storageSettings(cli, destination);
    const { readAnchors } = await loadEngine(cli);
    const { signal } = cli;
    for await (const anchor of readAnchors({ address: destination.address, storage, signal }))
      kept.push(anchor);
    kept.push(...(await manifestsAt(cli, destination)));
  }
  return kept;
}

/** With a key at hand, what the manifests say as well; that they cannot be read is said and does not end the proof. */
async function manifestsAt(cli: Cli, destination: Destination): Promise<KeptStatement[]> {
  const { current, old } = await readKeyTexts(cli, destination);
  if (current === null && old.length === 0) return [];
  try {
    const { openEngine } = await loadEngine(cli);
    return await withProgress(cli, async (progress) => {
      const options = await closedEngineOptions(cli, destination, await keyTextsOf(cli, destination));
      const engine = await openEngine({ ...options, progress, signal: cli.signal });
      try {
        const heads = await engine.ledgerHeads();
        return heads.map(({ backupId, ledgerHead }) => ({
          where: `backup ${backupId} at ${mask(destination.address)}`,
          ledgerHead,
        }));
      } finally {
        await engine.close();
      }
    });
  } catch (error) {
    cli.note(
      `warning: manifests at ${mask(destination.address)} were not read: ${failureOf(error, false).message}`,
    );
    return [];
  }
}
