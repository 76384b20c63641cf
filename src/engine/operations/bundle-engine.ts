import { join } from 'node:path';
import { systemClock } from '../base/clock.ts';
import { HoldfastError } from '../base/errors.ts';
import { type Credential, generateKeyText, parseKeyText } from '../crypto/key-text.ts';
import type { SigningKey } from '../crypto/signing.ts';
import { credentialOf } from '../kms/credential.ts';
import { createRepository } from '../repository/repository.ts';
import { openLocalStorage } from '../storage/local-storage.ts';
import { openStorage } from '../storage/open-storage.ts';
import { type BackupRequest, backup } from './backup.ts';
import { browse } from './browse.ts';
import { rotateBundles, verifyBundles } from './bundle-maintenance.ts';
import {
  findBundle,
  listBundles,
  moveBundle,
  newestToDrill,
  type PlaceEncryption,
  readerOf,
  type StoredBundle,
} from './bundle-store.ts';
import { type CompareTreesRequest, compareBackups } from './compare-backups.ts';
import { type OperationContext, withScratchFolder } from './context.ts';
import { putBundle } from './copy-bundle.ts';
import type { BundlesPlace } from './copy-place.ts';
import type { DoctorCheck } from './doctor.ts';
import type { DrillRequest } from './drill/drill-types.ts';
import { drillWithEvidence, recordFailedDrill } from './drill/evidence.ts';
import { type ExtractFileRequest, extractFile } from './extract-file.ts';
import { refuseLowSpace } from './free-space.ts';
import { importBundle } from './import-bundle.ts';
import { type ImportRequest, importDump } from './import-dump.ts';
import { bundleKitCheck } from './kit-state.ts';
import { detailsOf, type ListFilter, summaryOf } from './list.ts';
import { readSigningKey } from './open-repository.ts';
import type { Engine, OpenEngineOptions } from './repository-engine.ts';
import { restore } from './restore.ts';
import { planRestore, type RestoreRequest } from './restore-plan.ts';
import { restoreTenantOf, type TenantRestoreRequest } from './restore-tenant.ts';
import type { RotateRequest } from './rotate.ts';
import { testStorage } from './test-destination.ts';
import { type TreePageRequest, treePage } from './tree-page.ts';

const NOBODY: ReadonlySet<string> = new Set();

/**
 * A destination of the layout `bundles`: one self-contained file per backup. A run stages the backup in a repository
 * of its own, under a key that exists only meanwhile, since a bundle states sizes and hashes before the content; so it needs
 * scratch space for one compressed backup. Nothing is deduplicated between backups, and there is nothing to prune.
 */
export async function openBundleEngine(options: OpenEngineOptions): Promise<Engine> {
  const { progress, signal } = options;
  const credentials = options.keyTexts.map((text) => credentialOf(text, options.kms));
  const { encryption = 'aes-256-gcm' } = options;
  if (credentials.length === 0 && encryption !== 'none') throw new HoldfastError('key_missing');
  const storage = await openStorage(options.address, options.storage);
  const signingKey = await readSigningKey(options.signingKeyFile);
  const scratchRoot = join(options.stateFolder, 'scratch');
  const staged = stagingArea({ ...options, signingKey, scratchRoot });
  const place: BundlesPlace = {
    ...{ layout: 'bundles', storage, credentials, encryption, signingKey, staged },
    ...{ progress, signal, clock: systemClock, stateFolder: options.stateFolder },
  };

  const bundles = async (...states: ('backups' | 'archived')[]): Promise<StoredBundle[]> => {
    const onRejected = (name: string, why: string) =>
      progress.warn(`${name} is not a backup of yours: ${why}`);
    const lists = [];
    for (const state of states) lists.push(await listBundles(storage, place, state, onRejected));
    return lists.flat();
  };
  const everywhere = () => bundles('backups', 'archived');
  const one = async (id: string) => findBundle(await everywhere(), id);
  const bring = async (context: OperationContext, { name, manifest }: StoredBundle) => {
    await importBundle(context, { file: storage.open(name), ...readerOf(credentials, name) });
    return manifest.id;
  };
  const moved = async (id: string, state: 'backups' | 'archived') => {
    const bundle = await one(id);
    await moveBundle(storage, bundle, state);
    return { backupId: bundle.manifest.id };
  };
  const fetched = async <T>(
    id: string,
    work: (context: OperationContext, id: string) => Promise<T>,
  ): Promise<T> => {
    const bundle = await one(id);
    return staged(async (context) => work(context, await bring(context, bundle)));
  };
  const published = <T extends { readonly backupId: string }>(
    make: (context: OperationContext) => Promise<T>,
  ): Promise<T> =>
    staged(async (context) => {
      await refuseLowSpace(storage, options.minimumFreeBytes);
      const outcome = await make(context);
      await putBundle(context, outcome.backupId, place);
      return outcome;
    });
  return {
    repositoryId: '',
    address: storage.address,
    copyPlace: place,
    warnings: encryption === 'none' ? [notEncrypted(storage.address)] : [],
    backup: (request: BackupRequest) => published((context) => backup(context, request)),
    importDump: (request: ImportRequest) => published((context) => importDump(context, request)),
    async list({ plan, tenantId, archived }: ListFilter) {
      const found = await bundles(archived ? 'archived' : 'backups');
      return found
        .map((bundle) => summaryOf(bundle.manifest, NOBODY, bundle.encryption))
        .filter((item) => plan === null || item.plan === plan)
        .filter((item) => tenantId === null || item.tenantId === tenantId);
    },
    show: async (id: string) => bundleDetails(await one(id)),
    ...readingOf(fetched, async (context, id) => bring(context, await one(id))),
    drill: (request: DrillRequest) => {
      const keeping = { stateFolder: options.stateFolder, signingKey, bundlesAt: storage.address };
      const find = async () => {
        const isMeant = ({ manifest }: StoredBundle) =>
          request.plan === null || manifest.plan === request.plan;
        if (request.backupId === 'latest') return newestToDrill(storage, place, isMeant);
        return (await one(request.backupId)).manifest;
      };
      return drillBundle(request, keeping, signal, { find, fetched });
    },
    async verify({ backupId }: { backupId: string | null; share: number }) {
      const rejected: { name: string; why: string }[] = [];
      const onRejected = (name: string, why: string) => void rejected.push({ name, why });
      const found = [];
      for (const state of ['backups', 'archived'] as const) {
        found.push(...(await listBundles(storage, place, state, onRejected)));
      }
      if (backupId !== null) return verifyBundles(storage, [findBundle(found, backupId)], [], credentials);
      return verifyBundles(storage, found, rejected, credentials);
    },
    rotate: (request: RotateRequest) =>
      rotateBundles({ storage, progress }, bundles, { ...request, stateFolder: options.stateFolder }),
    archive: (id: string) => moved(id, 'archived'),
    undelete: (id: string) => moved(id, 'backups'),
    async exportBundle() {
      throw notHere('the backups are bundles already: copy the file');
    },
    async prune() {
      throw notHere('there is nothing to prune');
    },
    ledgerHeads: async () =>
      (await everywhere()).flatMap(({ manifest: { id, ledgerHead } }) =>
        ledgerHead === null ? [] : [{ backupId: id, ledgerHead }],
      ),
    ...NOT_HERE,
    doctor: async () => [
      ...placeChecks(storage.address, encryption, (await bundles('backups')).length),
      ...(await testStorage(storage, signal)),
      await bundleKitCheck(options.address, options.stateFolder),
    ],
    close: () => storage.close(),
  };
}

const bundleDetails = ({ manifest, encryption }: StoredBundle) => detailsOf(manifest, NOBODY, encryption);

function placeChecks(address: string, encryption: PlaceEncryption, opened: number): DoctorCheck[] {
  const opens = `${opened} bundles open`;
  const destination: DoctorCheck = { name: 'destination', status: 'ok', message: opens, next: null };
  if (encryption !== 'none') return [destination];
  const message = notEncrypted(address);
  return [destination, { name: 'encryption', status: 'warning', message, next: ENCRYPT }];
}

const notEncrypted = (address: string) =>
  `NOT ENCRYPTED: whoever can read ${address} can read every backup that is written there`;
const ENCRYPT = 'take encryption: none away from the destination, and use a new folder for encrypted bundles';

type Fetched = <T>(id: string, work: (context: OperationContext, id: string) => Promise<T>) => Promise<T>;

/** What reads a backup: it is fetched as a whole first. `fetchToo` brings another one to it. */
function readingOf(fetched: Fetched, fetchToo: (context: OperationContext, id: string) => Promise<string>) {
  return {
    browse: (id: string, path: string) => fetched(id, (context, whole) => browse(context, whole, path)),
    treePage: (request: TreePageRequest) =>
      fetched(request.backupId, (context, backupId) => treePage(context, { ...request, backupId })),
    extractFile: (request: ExtractFileRequest) =>
      fetched(request.backupId, (context, backupId) => extractFile(context, { ...request, backupId })),
    compareBackups: (request: CompareTreesRequest) =>
      fetched(request.backupId, async (context, backupId) => {
        const withId = await fetchToo(context, request.withId);
        return compareBackups(context, { ...request, backupId, withId });
      }),
    planRestore: (request: RestoreRequest) =>
      fetched(request.backupId, async (context, backupId) => {
        const { steps } = await planRestore(context, { ...request, backupId });
        return { backupId, steps: steps.map(({ selected: _, ...step }) => step) };
      }),
    restore: (request: RestoreRequest) =>
      fetched(request.backupId, (context, backupId) => restore(context, { ...request, backupId })),
    restoreTenant: (request: TenantRestoreRequest) =>
      fetched(request.backupId, (context, backupId) => restoreTenantOf(context, { ...request, backupId })),
  };
}

const refuse = async () => {
  throw notHere('each bundle has its own key and stands alone');
};

/** What only a repository has. */
const NOT_HERE = {
  placeHold: refuse,
  releaseHold: refuse,
  listHolds: async () => [],
  listEvidence: async () => [],
  readEvidence: refuse,
  storeEvidence: refuse,
  planTableRetention: refuse,
  runTableRetention: refuse,
  listTableArchives: refuse,
  restoreTableArchive: refuse,
  listKeys: refuse,
  ownSlots: refuse,
  addKey: refuse,
  retireKey: refuse,
  rotateKey: refuse,
  reencrypt: refuse,
  importBundle: refuse,
} satisfies Partial<Engine>;

function notHere(why: string): HoldfastError {
  return new HoldfastError('usage', `not on a destination of the layout bundles: ${why}`, {
    next: 'use a destination of the layout repository',
  });
}

/** A drill that cannot begin is a failed drill, with evidence of its own. */
async function drillBundle(
  request: DrillRequest,
  keeping: Parameters<typeof recordFailedDrill>[0] & { readonly bundlesAt: string },
  signal: AbortSignal,
  bundles: {
    readonly find: () => Promise<{ readonly id: string }>;
    readonly fetched: <T>(
      id: string,
      work: (context: OperationContext, id: string) => Promise<T>,
    ) => Promise<T>;
  },
) {
  try {
    const { id } = await bundles.find();
    return await bundles.fetched(id, (context, backupId) =>
      drillWithEvidence(context, { ...request, backupId }, keeping),
    );
  } catch (error) {
    if (signal.aborted) throw error;
    const failed = { plan: request.plan, tenantId: null, destination: keeping.bundlesAt };
    return recordFailedDrill(keeping, failed, error);
  }
}

/** Repositories that exist for one piece of work, under a key that nobody else ever has. */
function stagingArea(
  options: Pick<OpenEngineOptions, 'progress' | 'signal' | 'minimumFreeBytes'> & {
    readonly signingKey: SigningKey;
    readonly scratchRoot: string;
  },
) {
  const { progress, signal, signingKey, scratchRoot, minimumFreeBytes } = options;
  return <T>(work: (context: OperationContext) => Promise<T>): Promise<T> =>
    withScratchFolder({ scratchRoot }, async (folder) => {
      const local = await openLocalStorage({ folder: join(folder, 'staged') });
      const credential: Credential = parseKeyText(generateKeyText());
      const repository = await createRepository({ storage: local, credential, signingKey });
      return work({
        ...{ repository, progress, signal, clock: systemClock, scratchRoot, workers: null },
        ...(minimumFreeBytes === undefined ? {} : { minimumFreeBytes }),
      });
    });
}
