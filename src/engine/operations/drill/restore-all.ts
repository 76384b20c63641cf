/** Every artifact of a backup into the private place of a drill. */
import { mkdir } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { HoldfastError } from '../../base/errors.ts';
import type { Progress } from '../../base/progress.ts';
import type { Manifest, ManifestArtifact } from '../../repository/manifest.ts';
import { restoreTree } from '../../sources/files/index.ts';
import type { ArtifactReader } from '../../sources/port.ts';
import {
  type ArchiveToc,
  parsePostgresAddress,
  restoreCopy,
  restorePostgres,
  restoreSql,
  tocOfDump,
} from '../../sources/postgres/index.ts';
import { restoreSqlite } from '../../sources/sqlite/index.ts';
import type { OperationContext } from '../context.ts';
import type { SourceSpec } from '../source-spec.ts';
import { writeNewFile } from '../write-file.ts';
import { isUntrusted, localeClause, majorOf } from './database-facts.ts';
import type { DrillFolder } from './drill-folder.ts';
import type { DrillRequest } from './drill-types.ts';
import type { PhaseClock } from './phase-clock.ts';
import type { PlacedDatabase, PostgresPlace } from './postgres-place.ts';

export interface RestoredDump {
  readonly source: string;
  readonly artifact: ManifestArtifact;
  readonly database: PlacedDatabase;
  readonly toc: ArchiveToc;
  /** False where owners and grants were left out. */
  readonly owners: boolean;
}

/** Plain SQL of another program. */
export interface RestoredScript {
  readonly source: string;
  readonly artifact: ManifestArtifact;
  readonly database: PlacedDatabase;
}

export interface RestoredExport {
  readonly source: string;
  readonly artifacts: readonly ManifestArtifact[];
  readonly database: PlacedDatabase;
}

export interface RestoredFile {
  readonly artifact: ManifestArtifact;
  readonly path: string;
}

export interface RestoredTree extends RestoredFile {
  /** Paths that were left out on purpose, and why. */
  readonly skipped: readonly { readonly path: string; readonly reason: string }[];
  /** True for a root that was one file: `path` is that file. */
  readonly isFile: boolean;
}

export interface RestoredState {
  readonly dumps: RestoredDump[];
  readonly exports: RestoredExport[];
  readonly scripts: RestoredScript[];
  readonly databases: RestoredFile[];
  readonly trees: RestoredTree[];
  /** Whatever came back as one file. */
  readonly files: RestoredFile[];
  readonly limits: string[];
  /** In the folder of what was restored. */
  readonly names: Set<string>;
}

/** Nothing restored yet. */
export function newState(): RestoredState {
  return {
    dumps: [],
    exports: [],
    scripts: [],
    databases: [],
    trees: [],
    files: [],
    limits: [],
    names: new Set(),
  };
}

export interface RestoreAll {
  readonly context: OperationContext;
  readonly request: DrillRequest;
  readonly manifest: Manifest;
  readonly reader: ArtifactReader;
  readonly folder: DrillFolder;
  readonly postgres: PostgresPlace;
  readonly clock: PhaseClock;
}

/** Adds to the state. Throws what restoring throws: then the backup does not come back. */
export async function restoreAll(run: RestoreAll, state: RestoredState): Promise<void> {
  const { artifacts } = run.manifest;
  const exports = Map.groupBy(artifacts.filter(isOfExport(artifacts)), ({ source }) => source);
  for (const artifact of artifacts.filter(({ kind }) => kind === 'pg-dump'))
    await loadDump(run, state, artifact);
  for (const artifact of artifacts.filter(({ kind }) => kind === 'pg-sql'))
    await loadScript(run, state, artifact);
  for (const [source, parts] of exports) await loadExport(run, state, source, parts);
  run.clock.enter('files');
  for (const artifact of artifacts) {
    run.context.signal.throwIfAborted();
    if (
      artifact.kind === 'pg-dump' ||
      artifact.kind === 'pg-sql' ||
      exports.get(artifact.source)?.includes(artifact)
    )
      continue;
    const path = join(run.folder.restoredFolder, uniqueName(artifact.name, state.names));
    await mkdir(dirname(path), { recursive: true, mode: 0o700 });
    run.context.progress.phase(artifact.name, { bytes: artifact.sizeBytes });
    await restoreToDisk(run, state, artifact, path);
  }
  run.clock.leave();
}

/** CSV files and the schema beside them; other JSON files of a source are files. */
const isOfExport = (all: readonly ManifestArtifact[]) => (artifact: ManifestArtifact) =>
  artifact.kind === 'pg-csv' ||
  (artifact.kind === 'json' &&
    artifact.name.endsWith('schema.json') &&
    !all.some(({ kind, source }) => kind === 'pg-dump' && source === artifact.source));

/** An artifact's name comes from the backed-up host: it never leads out of the folder. */
function uniqueName(name: string, taken: Set<string>): string {
  const base = basename(name);
  if (base === '' || base === '.' || base === '..' || base.includes('\0')) {
    throw new HoldfastError('path_unsafe', `the artifact ${JSON.stringify(name)} has no usable file name`);
  }
  let unique = base;
  for (let i = 2; taken.has(unique); i += 1) unique = `${i}-${base}`;
  taken.add(unique);
  return unique;
}

function specOf({ request }: RestoreAll, source: string, kind: 'postgres') {
  return request.sources.find(
    (spec): spec is Extract<SourceSpec, { kind: 'postgres' }> => spec.name === source && spec.kind === kind,
  );
}

/** Progress that moves the phase clock along with the restore. */
function followed(progress: Progress, clock: PhaseClock): Progress {
  return {
    ...progress,
    phase(name, total) {
      if (name === 'definitions' || name === 'tables' || name === 'archive') clock.enter('load');
      if (name === 'indexes') clock.enter('index');
      progress.phase(name, total);
    },
    // Owners and grants that are left out are among the limits of the drill.
    warn: (message) => progress.warn(message),
  };
}

async function loadDump(run: RestoreAll, state: RestoredState, artifact: ManifestArtifact): Promise<void> {
  const { context, request, reader, folder, clock } = run;
  const { source, content, facts } = artifact;
  clock.enter('prepare');
  context.progress.phase(`server for ${artifact.name}`, {});
  const toc = await tocOfDump(reader.read(content));
  const spec = specOf(run, source, 'postgres');
  const untrusted = request.untrusted || isUntrusted(facts);
  const database = await run.postgres.database({
    name: toc.header.database || 'restored',
    major: majorOf(toc.header.serverVersion),
    role: spec ? parsePostgresAddress(spec.url).user : null,
    clause: localeClause(toc),
    untrusted,
  });
  if (database.otherLocale !== null) {
    state.limits.push(`${artifact.name}: restored under another locale: ${database.otherLocale}`);
  }
  clock.enter('load');
  const report = await restorePostgres({
    ...{ reader, content, facts, signal: context.signal },
    targetUrl: database.adminUrl,
    scratchFolder: folder.scratchFolder,
    createMissingRoles: database.ownsServer && !untrusted,
    untrusted,
    progress: followed(context.progress, clock),
  });
  clock.leave();
  const owners = report.owners === 'keep';
  if (!owners) state.limits.push(`${artifact.name}: owners and grants were left out`);
  state.dumps.push({ source, artifact, database, toc, owners });
}

async function loadScript(run: RestoreAll, state: RestoredState, artifact: ManifestArtifact): Promise<void> {
  const { context, reader, clock } = run;
  const { source, content, facts, name } = artifact;
  clock.enter('prepare');
  const database = await run.postgres.database({
    ...{ name: 'restored', major: null, role: null, clause: '', untrusted: true },
  });
  clock.enter('load');
  const { leftOut } = await restoreSql({
    ...{ reader, content, facts, targetUrl: database.adminUrl },
    ...{ progress: context.progress, signal: context.signal },
  });
  clock.leave();
  state.limits.push(
    `${name}: a script does not say which version it is of; it was loaded into the newest here`,
  );
  if (leftOut > 0) state.limits.push(`${name}: ${leftOut} statements about owners and grants were left out`);
  state.scripts.push({ source, artifact, database });
}

async function loadExport(
  run: RestoreAll,
  state: RestoredState,
  source: string,
  artifacts: readonly ManifestArtifact[],
): Promise<void> {
  const { context, reader, clock } = run;
  clock.enter('prepare');
  const version = artifacts.map(({ facts }) => facts.serverVersion).find((one) => typeof one === 'string');
  const spec = specOf(run, source, 'postgres');
  const address = spec ? parsePostgresAddress(spec.url) : null;
  const database = await run.postgres.database({
    name: address?.database ?? 'restored',
    major: majorOf(String(version ?? '')),
    role: address?.user ?? null,
    clause: '',
    untrusted: run.request.untrusted,
  });
  clock.enter('load');
  await restoreCopy({
    ...{ reader, artifacts, schema: 'create', targetUrl: database.adminUrl },
    ...{ progress: context.progress, signal: context.signal },
  });
  clock.leave();
  state.limits.push(`${source}: restored from a CSV export, which has no policies, grants or comments`);
  state.exports.push({ source, artifacts, database });
}

async function restoreToDisk(
  { context, reader }: RestoreAll,
  state: RestoredState,
  artifact: ManifestArtifact,
  path: string,
): Promise<void> {
  const { progress, signal } = context;
  const { content, sizeBytes, sha256, facts } = artifact;
  if (artifact.form === 'tree') {
    const single = await singleFileOf(reader, artifact);
    const report = await restoreTree({
      ...{ reader, content, target: path, signal },
      progress: { ...progress, phase: (_, total) => progress.phase(artifact.name, total) },
      ...(single === null ? {} : { select: single }),
    });
    for (const { path: left, reason } of report.skipped) {
      state.limits.push(`${artifact.name}/${left} was left out: ${reason}`);
    }
    state.trees.push({ artifact, path, skipped: report.skipped, isFile: single !== null });
    return;
  }
  if (artifact.kind === 'sqlite') {
    await restoreSqlite({ reader, content, sizeBytes, sha256, facts, target: path, signal });
    progress.advance({ bytes: sizeBytes });
    state.databases.push({ artifact, path });
    return;
  }
  const onBytes = (bytes: number) => progress.advance({ bytes });
  await writeNewFile({
    target: path,
    content: reader.read(content),
    sha256,
    replace: false,
    signal,
    onBytes,
  });
  state.files.push({ artifact, path });
}

async function singleFileOf(reader: ArtifactReader, { content }: ManifestArtifact): Promise<Buffer | null> {
  for await (const { path } of reader.entries(content)) return path.length > 0 ? path : null;
  return null;
}
