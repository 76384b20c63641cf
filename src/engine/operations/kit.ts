/** The recovery kit: everything that opens the backups on a machine without Holdfast, but for the backups themselves. */
import { readFileSync } from 'node:fs';
import { chmod, lstat, mkdir, mkdtemp, open, readdir, rename, rm } from 'node:fs/promises';
import { hostname } from 'node:os';
import { basename, dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { streamOf } from '../base/bytes.ts';
import { systemClock } from '../base/clock.ts';
import { HoldfastError, systemCode } from '../base/errors.ts';
import type { Credential } from '../crypto/key-text.ts';
import { type KitDestination, type KitFacts, kitFacts } from './kit-facts.ts';
import { instructions, type KitText } from './kit-instructions.ts';
import { inLines, printedKey } from './kit-printed-key.ts';
import { writeKitRecord } from './kit-state.ts';
import { zipArchive } from './kit-zip.ts';
import { PROGRAM } from './program.ts';
import { writeNewFile } from './write-file.ts';

export interface KitRequest {
  /** New or empty. */
  readonly folder: string;
  /** New; null for none. */
  readonly zipFile: string | null;
  /** Also the keys that open the newest epoch, and copies of the wrapped ones. */
  readonly withKey: boolean;
  /** Wraps the key in the kit; null leaves it as it is. */
  readonly kitPassphrase: string | null;
  /** The configuration, without secrets; null where there is none. */
  readonly configuration: { readonly name: string; readonly text: string } | null;
  readonly destinations: readonly KitDestination[];
}

export interface KitOutcome {
  readonly folder: string;
  readonly zipFile: string | null;
  readonly files: readonly string[];
  /** Whether a key is in it, and whether that opens by itself. */
  readonly key: 'none' | 'wrapped' | 'plain';
  readonly destinations: readonly {
    readonly address: string;
    readonly repositoryId: string | null;
    readonly keyIds: readonly string[];
    readonly fingerprints: readonly string[];
    readonly backups: number;
  }[];
}

interface KitFile {
  readonly name: string;
  readonly bytes: Buffer;
}

/**
 * Writes a kit, whole or not at all: files 0600, folders 0700, nothing overwritten. Throws what `openEngine` throws for a
 * destination, `target_not_empty`, `target_failed`, `key_wrong` when no key given opens what is newest.
 */
export async function writeKit(request: KitRequest): Promise<KitOutcome> {
  const folder = resolve(request.folder);
  await expectFree(folder, request.zipFile);
  const destinations: KitFacts[] = [];
  for (const [i, destination] of request.destinations.entries()) {
    destinations.push(await kitFacts(destination, request.destinations.length === 1 ? '' : `-${i + 1}`));
  }
  const madeAtMs = systemClock.nowMs();
  const keys = request.withKey ? await keyFiles(destinations, request.kitPassphrase) : [];
  const key = keys.length === 0 ? 'none' : request.kitPassphrase === null ? 'plain' : 'wrapped';
  const files = [
    ...contents(request, {
      madeAt: new Date(madeAtMs).toISOString(),
      program: PROGRAM,
      host: hostname(),
      keyFiles: keys.map(({ name }) => name),
      isWrapped: key === 'wrapped',
      configuration: request.configuration?.name ?? null,
      destinations,
    }),
    ...keys,
  ];
  await writeFolder(folder, files);
  if (request.zipFile !== null) await writeZip(resolve(request.zipFile), folder, files, madeAtMs);
  await remember(request, destinations, madeAtMs);
  return {
    folder,
    zipFile: request.zipFile === null ? null : resolve(request.zipFile),
    files: files.map(({ name }) => name),
    key,
    destinations: destinations.map(({ address, repository, signers, backups }) => ({
      address,
      repositoryId: repository?.id ?? null,
      keyIds: repository?.slots.filter(({ current }) => current).map(({ keyId }) => keyId) ?? [],
      fingerprints: signers.map(({ fingerprint }) => fingerprint),
      backups,
    })),
  };
}

function contents(request: KitRequest, kit: KitText): KitFile[] {
  const json = (value: unknown) => Buffer.from(`${JSON.stringify(value, null, 2)}\n`);
  const signers = new Map(kit.destinations.flatMap((one) => one.signers.map((it) => [it.fingerprint, it])));
  const { configuration } = request;
  return [
    { name: 'RECOVERY.md', bytes: Buffer.from(instructions(kit)) },
    { name: 'kit.json', bytes: json(factsOf(kit)) },
    { name: 'signers.json', bytes: json({ signers: [...signers.values()] }) },
    { name: 'FORMAT.md', bytes: packaged('docs/format.md') },
    { name: 'holdfast-decode.mjs', bytes: packaged('kit/holdfast-decode.mjs') },
    { name: 'holdfast_decode.py', bytes: packaged('kit/holdfast_decode.py') },
    ...(configuration === null ? [] : [{ name: configuration.name, bytes: Buffer.from(configuration.text) }]),
    ...(request.withKey ? heads(kit.destinations) : []),
  ];
}

function factsOf({ madeAt, program, host, destinations }: KitText) {
  return {
    version: 1,
    madeAt,
    program,
    host,
    destinations: destinations.map(({ name, address, layout, repository, signers, newest, fetch }) => ({
      ...{ name, address, layout, repository, fetch },
      fingerprints: signers.map(({ fingerprint }) => fingerprint),
      newest: newest.map(({ id, plan, tenantId, type, startedAt }) => ({
        id,
        plan,
        tenantId,
        type,
        startedAt,
      })),
    })),
  };
}

/** A file of this program's package. */
function packaged(path: string): Buffer {
  const file = fileURLToPath(new URL(`../../../${path}`, import.meta.url));
  try {
    return readFileSync(file);
  } catch (error) {
    throw new HoldfastError('internal', `${file} is missing from the installation`, { cause: error });
  }
}

function heads(destinations: readonly KitFacts[]): KitFile[] {
  return destinations.flatMap(({ repository, head }) =>
    repository === null
      ? []
      : head.map(({ name, bytes }) => ({ name: `heads/${repository.id}/${name}`, bytes })),
  );
}

async function keyFiles(destinations: readonly KitFacts[], kitPassphrase: string | null): Promise<KitFile[]> {
  const texts = new Map<string, string[]>();
  for (const { credentials, address } of destinations) {
    if (credentials.length === 0) {
      throw new HoldfastError('key_wrong', `no key given opens the newest backups at ${address}`, {
        next: 'give the current key in BACKUP_ENCRYPTION_KEY',
      });
    }
    const identity = identityOf(credentials[0]!);
    texts.set(identity, [...(texts.get(identity) ?? []), address]);
  }
  const all = destinations.flatMap(({ credentials }) => credentials.slice(0, 1));
  const files: KitFile[] = [];
  for (const [identity, addresses] of texts) {
    const credential = all.find((one) => identityOf(one) === identity)!;
    const printed = await printedKey(credential, kitPassphrase);
    const name = texts.size === 1 ? 'KEY.txt' : `KEY-${files.length + 1}.txt`;
    const head = [
      '# The key of the backups at:',
      ...addresses.map((address) => `#   ${address}`),
      kitPassphrase === null
        ? '# Whoever has it reads everything in them.'
        : '# It opens only together with the passphrase of the kit (HOLDFAST_KIT_PASSPHRASE).',
      '# Typed in again, letters may be small, blanks may stand for dashes, and lines may end anywhere.',
    ];
    files.push({ name, bytes: Buffer.from(`${[...head, '', ...inLines(printed)].join('\n')}\n`) });
  }
  return files;
}

const identityOf = (credential: Credential) => {
  if (credential.kind === 'kms') return credential.reference;
  return credential.kind === 'raw'
    ? `raw ${credential.key.toString('hex')}`
    : `passphrase ${credential.passphrase}`;
};

async function expectFree(folder: string, zipFile: string | null): Promise<void> {
  const found = await lstat(folder).catch(() => null);
  if (found && !(found.isDirectory() && (await readdir(folder)).length === 0)) throw notEmpty(folder);
  if (zipFile !== null && (await lstat(resolve(zipFile)).catch(() => null))) throw notEmpty(zipFile);
}

function notEmpty(path: string): HoldfastError {
  return new HoldfastError('target_not_empty', `${path} is there already`, {
    next: 'name a new one; a kit is never written over another',
  });
}

async function writeFolder(folder: string, files: readonly KitFile[]): Promise<void> {
  let workspace: string | null = null;
  try {
    await mkdir(dirname(folder), { recursive: true, mode: 0o700 });
    workspace = await mkdtemp(join(dirname(folder), `.${basename(folder)}.holdfast-`));
    await chmod(workspace, 0o700);
    const { signal } = new AbortController();
    for (const { name, bytes } of files) {
      const target = join(workspace, name);
      await mkdir(dirname(target), { recursive: true, mode: 0o700 });
      await writeNewFile({ target, content: streamOf(bytes), sha256: null, replace: false, signal });
    }
    await rename(workspace, folder);
    const parent = await open(dirname(folder), 'r');
    await parent.sync().finally(() => parent.close());
  } catch (error) {
    if (workspace !== null) await rm(workspace, { recursive: true, force: true });
    const code = systemCode(error);
    if (error instanceof HoldfastError || code === null) throw error;
    if (code === 'ENOTEMPTY' || code === 'EEXIST') throw notEmpty(folder);
    throw new HoldfastError('target_failed', `${folder} cannot be written: ${code}`, { cause: error });
  }
}

async function writeZip(
  target: string,
  folder: string,
  files: readonly KitFile[],
  timeMs: number,
): Promise<void> {
  const root = basename(folder);
  const zipped = files.map(({ name, bytes }) => ({ name: `${root}/${name}`, bytes, mode: 0o600 }));
  await writeNewFile({
    target,
    content: streamOf(zipArchive(zipped, timeMs)),
    sha256: null,
    replace: false,
    signal: new AbortController().signal,
  });
}

async function remember(
  { destinations: closed }: KitRequest,
  destinations: readonly KitFacts[],
  madeAtMs: number,
): Promise<void> {
  for (const [i, { repository, address, signers }] of destinations.entries()) {
    const { stateFolder } = closed[i]!.options;
    await mkdir(stateFolder, { recursive: true, mode: 0o700 });
    await writeKitRecord(stateFolder, repository?.id ?? address, {
      version: 1,
      madeAt: new Date(madeAtMs).toISOString(),
      slotIds: repository?.slots.map(({ slotId }) => slotId) ?? [],
      fingerprints: signers.map(({ fingerprint }) => fingerprint),
    });
  }
}
