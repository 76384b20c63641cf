import { lstat, readdir } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { HoldfastError } from '../base/errors.ts';
import type { Manifest } from '../repository/manifest.ts';
import { isFilled, parsePostgresAddress } from '../sources/postgres/index.ts';
import type { OperationContext } from './context.ts';
import { type SelectedItem, selectItems } from './select-item.ts';
import type { SafeRestore } from './switches/switch-port.ts';

export interface RestoreRequest {
  readonly backupId: string;
  /** An artifact, a source, or something inside an artifact; null for everything. */
  readonly item: string | null;
  /** An absolute path or a `postgres://` address. */
  readonly target: string;
  /** Allows what is there to be replaced. */
  readonly replace: boolean;
  /** What is replaced is kept beside, with a way back. */
  readonly safe?: SafeRestore;
  /** With one table of a dump: also the types, functions and sequences it needs, and the tables its foreign keys refer to. */
  readonly withDependencies?: boolean;
}

export interface RestoreStep {
  readonly item: string;
  readonly kind: string;
  /** For people: an address without its password. */
  readonly target: string;
  readonly sizeBytes: number;
  readonly replaces: boolean;
}

export interface PlannedStep extends RestoreStep {
  readonly selected: SelectedItem;
}

export interface PlannedRestore {
  readonly manifest: Manifest;
  readonly steps: readonly PlannedStep[];
}

/** What loads into a database: a dump, a SQL script, or a CSV export with its `schema.json`. */
const isDatabaseArtifact = ({ kind, name }: { readonly kind: string; readonly name: string }) =>
  kind === 'pg-dump' ||
  kind === 'pg-sql' ||
  kind === 'pg-csv' ||
  (kind === 'json' && name.endsWith('schema.json'));

export const isDatabaseAddress = (target: string) => /^postgres(ql)?:\/\//i.test(target);

/** What a restore would do, nothing done yet. Throws `id_unknown`, `id_ambiguous`, `item_unknown`, `manifest_forged`. */
export async function planRestore(
  context: OperationContext,
  request: RestoreRequest,
): Promise<PlannedRestore> {
  const { repository } = context;
  const { manifest } = await repository.manifests.resolve(request.backupId, ['backups', 'archived']);
  const selected = selectItems(manifest, request.item);
  const steps = isDatabaseAddress(request.target)
    ? await databaseSteps(manifest, selected, request)
    : await fileSteps(selected, request);
  return { manifest, steps };
}

async function databaseSteps(
  manifest: Manifest,
  selected: readonly SelectedItem[],
  { target, safe }: RestoreRequest,
): Promise<PlannedStep[]> {
  const fitting = selected.filter(({ artifact }) => isDatabaseArtifact(artifact));
  const sources = new Set(fitting.map(({ artifact }) => artifact.source));
  if (sources.size === 1) {
    // One table goes beside whatever else is there.
    const isWhole = fitting.every(({ inside }) => inside === null);
    const replaces = safe !== undefined && isWhole && (await isFilled(parsePostgresAddress(target)));
    if (replaces) refuseTenant(manifest, [...sources][0]!);
    return fitting.map((one) => stepOf(one, maskPassword(target), replaces));
  }
  const names = manifest.artifacts.filter(isDatabaseArtifact).map(({ name }) => name);
  throw sources.size === 0
    ? new HoldfastError('item_unknown', 'nothing chosen can be restored into a PostgreSQL database')
    : new HoldfastError('usage', 'the backup holds several databases', {
        next: `name one: ${names.join(', ')}`,
      });
}

/** The rows of one tenant in place of the database that all of them share would be the loss of all others. */
function refuseTenant({ artifacts }: Manifest, source: string): void {
  const tenant = artifacts.find((one) => one.source === source && one.facts.tenant !== undefined)?.facts
    .tenant;
  if (tenant === undefined) return;
  throw new HoldfastError(
    'target_not_empty',
    `the backup holds the tenant ${tenant} alone, and the database has content`,
    {
      next: `add --tenant ${tenant} to restore it beside the others, or name a database that is missing or empty`,
    },
  );
}

async function fileSteps(selected: readonly SelectedItem[], request: RestoreRequest): Promise<PlannedStep[]> {
  const { target, item } = request;
  const isFolder = (await kindOf(target)) === 'folder' || target.endsWith('/');
  const alone = item !== null && selected.length === 1;
  const steps: PlannedStep[] = [];
  for (const one of selected) {
    const place = alone ? placeAlone(one, target, isFolder) : freePlace(target, one.artifact.name, steps);
    steps.push(stepOf(one, place, await isOccupied(place)));
  }
  return steps;
}

/** `tables/log.ndjson` is written as `log.ndjson`; a second of that name as `tables_log.ndjson`. */
function freePlace(folder: string, name: string, taken: readonly PlannedStep[]): string {
  const isTaken = (place: string) => taken.some(({ target }) => target === place);
  const short = join(folder, safeName(name));
  if (!isTaken(short)) return short;
  const long = safeName(name.replaceAll('/', '_'));
  for (let number = 1; ; number += 1) {
    const place = join(folder, number === 1 ? long : `${number}-${long}`);
    if (!isTaken(place)) return place;
  }
}

/** A folder tree becomes the target itself; a file goes into a target that is a folder. */
function placeAlone({ artifact, inside }: SelectedItem, target: string, isFolder: boolean): string {
  if (artifact.form === 'tree' && inside === null) return target;
  if (!isFolder || artifact.form === 'tree') return target;
  return join(target, safeName(inside ?? artifact.name));
}

function stepOf(selected: SelectedItem, target: string, replaces: boolean): PlannedStep {
  const { artifact, inside } = selected;
  const item = inside === null ? artifact.name : `${artifact.name}/${inside}`;
  return { item, kind: artifact.kind, target, sizeBytes: artifact.sizeBytes, replaces, selected };
}

/** An artifact's name comes from the backed-up host: it never leads out of the target. */
function safeName(name: string): string {
  const base = basename(name);
  if (base !== '' && base !== '.' && base !== '..' && !base.includes('\0')) return base;
  throw new HoldfastError('path_unsafe', `the artifact ${JSON.stringify(name)} has no usable file name`);
}

async function kindOf(path: string): Promise<'folder' | 'other' | null> {
  const found = await lstat(path).catch(() => null);
  if (!found) return null;
  return found.isDirectory() ? 'folder' : 'other';
}

async function isOccupied(path: string): Promise<boolean> {
  const kind = await kindOf(path);
  if (kind !== 'folder') return kind !== null;
  return (await readdir(path)).length > 0;
}

function maskPassword(address: string): string {
  const url = new URL(address);
  if (url.password) url.password = '***';
  return url.toString();
}
