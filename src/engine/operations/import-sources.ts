import { constants } from 'node:fs';
import { copyFile, mkdir, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { type BundleLimits, DEFAULT_LIMITS } from '../bundle/limits.ts';
import type {
  Artifact,
  JsonValue,
  Source,
  SourceContext,
  SourceSession,
  StreamArtifact,
  TreeArtifact,
} from '../sources/port.ts';
import { archiveArtifact, readArchiveFile, sqlArtifact } from '../sources/postgres/index.ts';
import { sqliteSource } from '../sources/sqlite/index.ts';
import { aboutDump, type ForeignDump, recogniseDump, spoolTo } from './import-recognise.ts';
import { unpackTar } from './import-tree.ts';

export interface DumpToImport {
  readonly path: string;
  readonly dump: ForeignDump;
  /** Of the artifact; null for the one that goes with the kind. Not used for a tar, whose members have names. */
  readonly name: string | null;
  /** Kept with every artifact as the fact `imported`. */
  readonly facts: { readonly [key: string]: JsonValue };
  readonly limits?: BundleLimits;
}

const DEFAULT_NAMES = { archive: 'db.dump', sql: 'db.sql' } as const;

/** A file made by another program as a source. Everything is checked as it is read: what is cut or damaged gives no backup. */
export function importSource(input: DumpToImport): Source {
  return {
    kind: 'files',
    name: input.dump.name,
    async open(context) {
      try {
        const session = await openSession(input, context);
        return { ...session, artifacts: session.artifacts.map((artifact) => marked(artifact, input)) };
      } catch (error) {
        throw aboutDump(input.path, error);
      }
    },
  };
}

async function openSession(input: DumpToImport, context: SourceContext): Promise<SourceSession> {
  const { path, dump, name, limits = DEFAULT_LIMITS } = input;
  if (dump.form === 'tar') return openTar(input, context, limits);
  const { size } = await stat(path);
  if (dump.form === 'sql') {
    return sessionOf(size, [sqlArtifact(name ?? DEFAULT_NAMES.sql, dump.bytes, context)]);
  }
  const unpacked = dump.compression === null ? path : join(context.scratchFolder, 'unpacked');
  if (dump.compression !== null) await spoolTo(unpacked, dump.bytes());
  if (dump.form === 'archive') {
    return sessionOf(size, [await openArchive(unpacked, name ?? DEFAULT_NAMES.archive, context)]);
  }
  return openSqlite(unpacked, name ?? dump.name, context);
}

async function openArchive(
  path: string,
  name: string,
  { signal, progress }: SourceContext,
): Promise<Artifact> {
  const file = await readArchiveFile(path, signal);
  if (file.facts === null)
    progress.warn(
      `${name}: the rows of its tables cannot be told (${file.compression === 'lz4' ? 'lz4' : 'INSERT statements'})`,
    );
  return archiveArtifact(name, file, { signal, progress });
}

/** On a copy: opening a database with a WAL writes beside it, and what was kept as a backup stays as it is. */
async function openSqlite(path: string, name: string, context: SourceContext): Promise<SourceSession> {
  const folder = join(context.scratchFolder, `sqlite-${basename(path)}`);
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const copy = join(folder, basename(name));
  for (const end of ['', '-wal', '-journal']) {
    await copyFile(path + end, copy + end, constants.COPYFILE_FICLONE).catch((error: unknown) => {
      if (end === '' || (error as { code?: string }).code !== 'ENOENT') throw error;
    });
  }
  return sqliteSource({ name, path: copy }).open({ ...context, scratchFolder: folder });
}

function sessionOf(estimatedBytes: number, artifacts: readonly Artifact[]): SourceSession {
  return { estimatedBytes, artifacts, close: async () => {} };
}

/** Databases of a tar as what they are, everything else as a tree of files. */
async function openTar(
  { dump }: DumpToImport,
  context: SourceContext,
  limits: BundleLimits,
): Promise<SourceSession> {
  const tar = await unpackTar(dump.bytes(), context.scratchFolder, limits, context.progress);
  const sessions: SourceSession[] = [];
  const artifacts: Artifact[] = [];
  const close = async () => {
    for (const session of sessions) await session.close();
  };
  try {
    for (const { path, name } of tar.files) {
      const member = await recogniseDump(path, context.signal, limits).catch(() => null);
      if (member === null || member.form === 'tar') continue;
      // The name it had in the tar tells what a text is.
      const isSql = member.form === 'sql';
      if (member.form === 'sqlite' && member.compression === null) {
        const session = await openSqlite(path, name, context);
        sessions.push(session);
        artifacts.push(...session.artifacts);
      } else if (member.form === 'archive' && member.compression === null) {
        artifacts.push(await openArchive(path, name, context));
      } else if (isSql) {
        artifacts.push(sqlArtifact(name.replace(/\.(gz|zst)$/i, ''), member.bytes, context));
      } else continue;
      tar.take(path);
    }
    const tree = tar.tree();
    if (tree) artifacts.push(tree);
    return { estimatedBytes: tar.sizeBytes, artifacts, close };
  } catch (error) {
    await close();
    throw error;
  }
}

/** The mark by which retention, listing and restore know it. */
function marked(artifact: Artifact, { path, facts }: DumpToImport): Artifact {
  const about = (error: unknown) => {
    throw aboutDump(path, error);
  };
  if (artifact.form === 'stream') {
    const stream: StreamArtifact = {
      ...artifact,
      produce: async (sink, previous) => ({
        ...(await artifact.produce(sink, previous).catch(about)),
        imported: facts,
      }),
    };
    return stream;
  }
  const tree: TreeArtifact = {
    ...artifact,
    async produce(sink) {
      const made = await artifact.produce(sink, null).catch(about);
      return { ...made, facts: { ...made.facts, imported: facts } };
    },
  };
  return tree;
}
