import type { Outcome, Stream } from '../server/ledger/local-ledger.ts';
import type {
  BackupOutcome,
  BackupRequest,
  BackupWithCopies,
  Engine,
  EngineModule,
  ListedSwitch,
} from './engine-door.ts';

/** What the ledger is told of a call. */
export interface Told {
  /** Default: `audit_vault`, what was done. `org_admin_reads` for reads of backup data. */
  readonly stream?: Stream;
  readonly action: string;
  readonly object: { readonly kind: string; readonly id: string | null } | null;
  readonly tenantId?: string | null;
  /** Default: succeeded. */
  readonly outcome?: Outcome;
  readonly detail: Readonly<Record<string, unknown>>;
  /** True when something was written to the destination. */
  readonly writes?: boolean;
}

/** Null: not worth an entry. `result` is null where the call failed. */
type AccountOf<Method> = Method extends (...args: infer Args) => Promise<infer Result>
  ? ((args: Args, result: Result | null) => Told | null) | null
  : null;

const backup = (id: string | null | undefined) => ({ kind: 'backup', id: id ?? null });
const repository = { kind: 'repository', id: null };

/**
 * Every method of the engine and what the ledger is told of it. A new method has to be decided on here before it compiles:
 * null is for what changes nothing and shows nothing of what is in a backup.
 */
export const accounts: { readonly [Name in keyof Engine]: AccountOf<Engine[Name]> } = {
  ...{ copyPlace: null, repositoryId: null, address: null, warnings: null, close: null, doctor: null },
  ...{
    list: null,
    show: null,
    planRestore: null,
    listHolds: null,
    listKeys: null,
    ownSlots: null,
    ledgerHeads: null,
  },
  ...{ listEvidence: null, readEvidence: null, storeEvidence: null },
  ...{ planTableRetention: null, listTableArchives: null },
  runTableRetention: ([{ source, rule }], result) => ({
    ...{
      action: 'table.retention',
      object: { kind: 'table', id: `${source.name}/${rule.table}` },
      writes: true,
    },
    detail: {
      archives: result?.archives.map(({ backupId, rows }) => ({ backup_id: backupId, rows })) ?? [],
      deleted: result?.deleted ?? null,
    },
  }),
  restoreTableArchive: ([{ source, table, target }], result) => ({
    ...{ stream: 'org_admin_reads', action: 'restore', object: { kind: 'table', id: `${source}/${table}` } },
    detail: { target: target.name, inserted: result?.inserted ?? null },
  }),
  backup: ([request], result) => backupTold(request, result),
  browse: ([id, path], result) => ({
    ...{ stream: 'org_admin_reads', action: 'preview', object: backup(result?.id ?? id), detail: { path } },
  }),
  treePage: ([{ backupId, artifact, path }], result) => ({
    ...{ stream: 'org_admin_reads', action: 'preview', object: backup(result?.backupId ?? backupId) },
    detail: { path: `${artifact}/${path}` },
  }),
  compareBackups: ([{ backupId, withId, artifact }]) => ({
    ...{ stream: 'org_admin_reads', action: 'preview', object: backup(backupId) },
    detail: { path: artifact, with: withId },
  }),
  extractFile: ([{ backupId, artifact, path, file }], result) => ({
    ...{ stream: 'org_admin_reads', action: 'file.extract', object: backup(result?.backupId ?? backupId) },
    detail: { path: `${artifact}/${path}`, file, size_bytes: result?.sizeBytes ?? null },
  }),
  restore: ([request], result) => ({
    ...{ stream: 'org_admin_reads', action: 'restore', object: backup(result?.backupId ?? request.backupId) },
    detail: {
      ...{ item: request.item, target: request.target },
      restored:
        result?.restored.map(({ item, target, sizeBytes }) => ({ item, target, size_bytes: sizeBytes })) ??
        [],
    },
  }),
  restoreTenant: ([request], result) => ({
    ...{ stream: 'org_admin_reads', action: 'restore', object: backup(result?.backupId ?? request.backupId) },
    tenantId: request.tenant.id,
    detail: { item: request.item, target: request.target, applied: result?.applied ?? false },
  }),
  exportBundle: ([{ id, file }], result) => ({
    ...{ stream: 'org_admin_reads', action: 'bundle.export', object: backup(result?.backupId ?? id) },
    detail: { file, size_bytes: result?.sizeBytes ?? null },
  }),
  importBundle: ([file], result) => ({
    ...{ action: 'bundle.import', object: backup(result?.backupId), detail: { file }, writes: true },
  }),
  importDump: (_, result) => ({
    ...{ action: 'import', object: backup(result?.backupId), detail: {}, writes: true },
  }),
  verify: ([{ backupId, share }], result) => ({
    ...{ action: 'verify', object: backupId === null ? repository : backup(backupId) },
    outcome: result?.ok === false ? 'failed' : 'succeeded',
    detail: { share, checked: result?.checked ?? null, damaged: result?.damaged.length ?? null },
  }),
  drill: ([{ plan }], result) => ({
    ...{ action: 'drill', object: backup(result?.report.backup?.id), writes: true },
    ...{ tenantId: result?.report.tenantId ?? null },
    outcome: result?.report.result === 'red' ? 'failed' : 'succeeded',
    detail: {
      ...{ plan, drill_id: result?.report.drillId ?? null, result: result?.report.result ?? null },
      evidence_sha256: result?.sha256 ?? null,
    },
  }),
  rotate: ([{ dryRun, plan, tenantId }], result) =>
    dryRun
      ? null
      : {
          ...{ action: 'rotate', object: repository, tenantId, writes: true },
          detail: {
            plan,
            archived:
              result?.decisions.filter(({ action }) => action === 'remove').map((one) => one.backup.id) ?? [],
          },
        },
  prune: ([{ dryRun }], result) =>
    dryRun
      ? null
      : {
          ...{ action: 'prune', object: repository, writes: true },
          detail:
            result === null
              ? {}
              : { deleted: result.deleted, marked: result.marked, rewritten: result.rewritten },
        },
  placeHold: ([id, reason], result) => ({
    ...{ action: 'hold.place', object: backup(result?.backupId ?? id), detail: { reason }, writes: true },
  }),
  releaseHold: ([id], result) => ({
    ...{ action: 'hold.release', object: backup(result?.backupId ?? id), detail: {}, writes: true },
  }),
  archive: ([id], result) => ({
    ...{ action: 'archive', object: backup(result?.backupId ?? id), detail: {}, writes: true },
  }),
  undelete: ([id], result) => ({
    ...{ action: 'undelete', object: backup(result?.backupId ?? id), detail: {}, writes: true },
  }),
  addKey: ([, label], result) => keyTold('key.add', result?.slotId, { label }),
  retireKey: ([id], result) => keyTold('key.retire', result?.slotId ?? id, {}),
  rotateKey: ([, label], result) => keyTold('key.rotate', null, { label, epoch: result?.epoch ?? null }),
  reencrypt: (_, result) =>
    keyTold('key.reencrypt', null, { rewritten_objects: result?.rewrittenObjects ?? null }),
};

/** The same for what is done with several destinations, or with none. */
const switchTold = (action: string, target: string | null, result: ListedSwitch | null): Told => ({
  ...{ action, object: backup(result?.backupId) },
  detail: { target: result?.target ?? target, kept_at: result?.keptAt ?? null },
});

export const moduleAccounts = {
  backupToAll: (request: BackupRequest, result: BackupWithCopies | null): Told => {
    const copies = result?.copies.map(({ destination, status }) => ({ destination, status })) ?? [];
    const told = backupTold(request, result);
    return { ...told, detail: { ...told.detail, destination: result?.destination ?? null, copies } };
  },
  replicateBetween: (
    { plan, dryRun }: Parameters<EngineModule['replicateBetween']>[0],
    result: Awaited<ReturnType<EngineModule['replicateBetween']>> | null,
  ): Told | null => {
    if (dryRun) return null;
    const destinations = result?.destinations ?? [];
    const isWhole = destinations.every(({ missing, isKnown }) => isKnown && missing.length === 0);
    return {
      ...{ action: 'replicate', object: { kind: 'plan', id: plan ?? null } },
      outcome: isWhole ? 'succeeded' : 'incomplete',
      detail: {
        destinations: destinations.map(({ name, copied, missing }) => ({
          ...{ name, copied: copied.map(({ id }) => id), missing: missing.length },
        })),
      },
    };
  },
  verifyAll: (
    { backupId, share, heal }: Parameters<EngineModule['verifyAll']>[0],
    result: Awaited<ReturnType<EngineModule['verifyAll']>> | null,
  ): Told => ({
    ...{ action: 'verify', object: backupId === null ? repository : backup(backupId) },
    outcome: result?.every(({ status }) => status === 'good') === false ? 'failed' : 'succeeded',
    detail: {
      share,
      heal,
      copies: result?.map(({ destination, status }) => ({ destination, status })) ?? [],
    },
  }),
  switchBack: ({ target }: Parameters<EngineModule['switchBack']>[0], result: ListedSwitch | null): Told =>
    switchTold('restore.switch-back', target, result),
  dropKept: ({ target }: Parameters<EngineModule['dropKept']>[0], result: ListedSwitch | null): Told =>
    switchTold('restore.drop-old', target, result),
  openBundle: (
    { file, folder }: Parameters<EngineModule['openBundle']>[0],
    result: Awaited<ReturnType<EngineModule['openBundle']>> | null,
  ): Told => ({
    ...{
      stream: 'org_admin_reads',
      action: 'bundle.open',
      object: backup(result?.backupId),
      detail: { file, folder },
    },
  }),
  writeKit: (
    _request: Parameters<EngineModule['writeKit']>[0],
    result: Awaited<ReturnType<EngineModule['writeKit']>> | null,
  ): Told => ({
    ...{ action: 'kit', object: { kind: 'kit', id: result?.folder ?? null } },
    detail: {
      key: result?.key ?? null,
      destinations: result?.destinations.map(({ address }) => address) ?? [],
    },
  }),
};

function backupTold(request: BackupRequest, result: BackupOutcome | BackupWithCopies | null): Told {
  const { plan, type, sources, tenantId } = request;
  return {
    ...{ action: 'backup', object: backup(result?.backupId), tenantId, writes: true },
    outcome: !result || result.status === 'succeeded' ? 'succeeded' : 'incomplete',
    detail: {
      ...{ plan, type, sources: sources.map(({ name, kind }) => ({ name, kind })) },
      ...(result && {
        ...{
          bytes_read: result.bytesRead,
          bytes_stored: result.bytesStored,
          problems: result.problems.length,
        },
        artifacts: result.artifacts.map(({ name, sizeBytes, sha256 }) => ({
          name,
          size_bytes: sizeBytes,
          sha256,
        })),
      }),
    },
  };
}

const keyTold = (action: string, id: string | null | undefined, detail: Told['detail']): Told => ({
  ...{ action, object: { kind: 'key', id: id ?? null }, detail, writes: true },
});
