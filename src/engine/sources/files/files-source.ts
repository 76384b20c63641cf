import { lstatSync, readFileSync, realpathSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { basename, resolve } from 'node:path';
import { HoldfastError, systemCode } from '../../base/errors.ts';
import type { Source, SourceContext, SourceSession, TreeArtifact, TreeFacts } from '../port.ts';
import { closeFolder, openFolderAt, splitPath } from './handles.ts';
import { readOwnerNames } from './owners.ts';
import { newTally } from './tally.ts';
import { type FilesThreads, filesThreads } from './threads.ts';
import { produceTree } from './tree-artifact.ts';
import type { OpenRoot } from './tree-run.ts';

export interface FilesOptions {
  readonly name: string;
  /** Folders or single files. Each becomes one tree artifact; symlinks in a root's own path are followed, no others. */
  readonly roots: readonly string[];
  /** .gitignore syntax, relative to each root. */
  readonly excludes?: readonly string[];
  /** A file with more such patterns. Missing: `source_missing`. */
  readonly excludeFile?: string;
  /** Folders of other file systems are recorded and not entered. */
  readonly oneFileSystem?: boolean;
  /** A root that does not exist becomes an empty tree whose facts say `missing`, instead of `source_missing`. */
  readonly optional?: boolean;
  /** Threads that read small files, 2 unless told. */
  readonly readConcurrency?: number;
}

const latin1 = (text: string) => Buffer.from(text).toString('latin1');

function openRoot(given: string): OpenRoot {
  const real = realpathSync(resolve(given));
  if (lstatSync(real).isDirectory()) return { given, folder: openFolderAt(latin1(real)), single: null };
  const { folder, name } = splitPath(latin1(real));
  return {
    given,
    folder: openFolderAt(folder === '' ? '/' : folder, true),
    single: { name, as: Buffer.from(basename(given)) },
  };
}

/** Null when the root does not exist and need not. */
function openGivenRoot(given: string, optional: boolean): OpenRoot | null {
  try {
    return openRoot(given);
  } catch (error) {
    const code = systemCode(error);
    if (code === 'ENOENT' || code === 'ENOTDIR') {
      if (optional) return null;
      throw new HoldfastError('source_missing', `${given} does not exist`, { cause: error });
    }
    if (code === 'EACCES' || code === 'EPERM') {
      throw new HoldfastError('source_denied', `${given} may not be read`, { cause: error });
    }
    throw new HoldfastError('source_failed', `${given} could not be opened: ${String(code)}`, {
      cause: error,
    });
  }
}

function readPatterns(options: FilesOptions): string[] {
  const patterns = [...(options.excludes ?? [])];
  if (options.excludeFile === undefined) return patterns;
  try {
    return [...patterns, ...readFileSync(options.excludeFile, 'utf8').split(/\r?\n/)];
  } catch (error) {
    throw new HoldfastError('source_missing', `the exclude file ${options.excludeFile} cannot be read`, {
      cause: error,
    });
  }
}

/** One name per root: its last component, numbered where two roots share it. */
export function artifactNames(roots: readonly string[]): string[] {
  const taken = new Set<string>();
  return roots.map((root) => {
    const plain = basename(resolve(root)) || 'root';
    let name = plain;
    for (let i = 2; taken.has(name); i += 1) name = `${plain}-${i}`;
    taken.add(name);
    return name;
  });
}

function missingFacts(given: string): TreeFacts {
  const nothing = { excluded: 0, vanished: 0, otherFileSystems: 0, problems: [], problemsMore: 0 };
  const { facts } = newTally().facts(given, nothing);
  return { facts: { ...facts, missing: true }, problems: [] };
}

function openSession(options: FilesOptions, context: SourceContext): SourceSession {
  const patterns = readPatterns(options);
  const opened: OpenRoot[] = [];
  const close = () => {
    for (const root of opened.splice(0)) closeFolder(root.folder);
  };
  const threads: FilesThreads = filesThreads(options.readConcurrency ?? defaultReaders());
  const owners = readOwnerNames();
  const names = artifactNames(options.roots);
  const choice = { excludes: patterns, oneFileSystem: options.oneFileSystem ?? false };
  let isCounted = false;
  /** Without a backup before, nothing else says how much there is. */
  const countOnce = () => {
    if (isCounted) return;
    isCounted = true;
    const roots = opened.map(({ folder, single }) => ({ root: folder, only: single?.name ?? null }));
    threads.count({ roots, ...choice }, (bytes) => context.progress.estimate?.({ bytes }));
  };
  const artifactOf = (given: string, i: number): TreeArtifact => {
    const root = openGivenRoot(given, options.optional ?? false);
    if (root) opened.push(root);
    return {
      form: 'tree',
      name: names[i]!,
      kind: 'tree',
      async produce(sink, previous) {
        if (root === null) return missingFacts(given);
        if (previous === null) countOnce();
        return await produceTree({ root, threads, context, owners, ...choice }, sink, previous);
      },
    };
  };
  try {
    const artifacts = options.roots.map(artifactOf);
    return {
      estimatedBytes: null,
      artifacts,
      async close() {
        await threads.close();
        close();
      },
    };
  } catch (error) {
    close();
    throw error;
  }
}

/** One core is for everything else; more than two readers only wait for the disk. */
const defaultReaders = () => Math.min(2, Math.max(1, availableParallelism() - 1));

/**
 * Folders and files, live: there is no point in time for the whole tree, but every single file is either stored
 * as it was at one moment or named among the problems.
 *
 * A root folder's tree begins with the empty path (the folder itself); a root that is a single file gives a
 * tree of one entry, named like the file. Files that vanish between listing and reading are normal and only counted;
 * a file that changes every time it is read, may not be read or fails to read is a problem, and its previous version is kept where there is one.
 */
export function filesSource(options: FilesOptions): Source {
  return {
    kind: 'files',
    name: options.name,
    open: async (context) => openSession(options, context),
  };
}
