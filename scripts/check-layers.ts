/** Fails on an import that crosses a wall of the house, or closes a cycle, and says why the wall stands. */
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

interface Room {
  readonly folder: string;
  readonly mayImport: readonly string[];
  readonly because: string;
}

/** From the most special folder to the most general: the first that contains a file is its room. */
const ROOMS: readonly Room[] = [
  {
    folder: 'src/contracts',
    mayImport: [],
    because: 'contracts are the only thing the web page shares with us',
  },
  { folder: 'src/engine/base', mayImport: [], because: 'base is what everything else stands on' },
  {
    folder: 'src/engine/crypto',
    mayImport: ['src/engine/base'],
    because: 'cryptography is pure and reviewed alone',
  },
  {
    folder: 'src/engine/kms',
    mayImport: ['src/engine/base', 'src/engine/crypto'],
    because: 'a service that holds keys sees no backup',
  },
  {
    folder: 'src/engine/storage',
    mayImport: ['src/engine/base', 'src/engine/crypto'],
    because: 'a destination sees opaque objects only',
  },
  {
    folder: 'src/engine/sources',
    mayImport: ['src/engine/base'],
    because: 'a source never sees a repository, so that it can be tested and trusted alone',
  },
  {
    folder: 'src/engine/repository',
    mayImport: ['src/engine/base', 'src/engine/crypto', 'src/engine/storage', 'src/engine/sources/port.ts'],
    because: 'the format must not depend on what is stored in it',
  },
  {
    folder: 'src/engine/bundle',
    mayImport: ['src/engine/base', 'src/engine/crypto'],
    because: 'a bundle opens on a machine that has no repository',
  },
  {
    folder: 'src/engine/evidence',
    mayImport: ['src/engine/base', 'src/engine/crypto'],
    because: 'evidence is checked on a machine that has nothing else',
  },
  {
    folder: 'src/engine',
    mayImport: ['src/engine'],
    because: 'the engine is a library and knows no surface',
  },
  {
    folder: 'src/server/ledger/proof',
    // What an entry is, and the names of the two streams: it imports nothing.
    mayImport: ['src/engine/index.ts', 'src/contracts/ledger-entry.ts'],
    because: 'a ledger is proven on a machine that has neither a catalog nor a configuration',
  },
  {
    folder: 'src/server/ledger',
    mayImport: ['src/engine/index.ts', 'src/contracts', 'src/server/catalog'],
    because: 'what the ledger records must not reach into it',
  },
  {
    folder: 'src/server',
    mayImport: ['src/engine/index.ts', 'src/contracts'],
    because: 'the service enters the engine by its one door',
  },
  {
    folder: 'src/cli',
    // The error registry and the types of backups have no cost: --help and a mistyped option do not load the engine.
    mayImport: [
      'src/engine/index.ts',
      'src/engine/lean.ts',
      'src/engine/base/errors.ts',
      'src/engine/base/backup-type.ts',
      'src/contracts',
      'src/server',
    ],
    because: 'a surface enters the engine by its one door',
  },
  {
    folder: 'web/src',
    mayImport: ['src/contracts'],
    because: 'the web page knows of the server only what the server says to everybody',
  },
];

const root = resolve(dirname(fileURLToPath(import.meta.url)), '..');
const IMPORT = /(?:from|import)\s*\(?\s*'(\.[^']+)'/g;

function sourceFiles(folder: string): string[] {
  return readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter((name) => /\.tsx?$/.test(name) && !/\.test\.tsx?$/.test(name))
    .map((name) => join(folder, name));
}

function importsOf(file: string): string[] {
  const text = readFileSync(join(root, file), 'utf8');
  return [...text.matchAll(IMPORT)].map((match) => relative(root, resolve(root, dirname(file), match[1]!)));
}

const inside = (file: string, place: string) => file === place || file.startsWith(`${place}/`);

function wrongEdges(file: string, imports: readonly string[]): string[] {
  const room = ROOMS.find((candidate) => inside(file, candidate.folder));
  if (!room) return [];
  return imports
    .filter(
      (target) => !inside(target, room.folder) && !room.mayImport.some((place) => inside(target, place)),
    )
    .map((target) => `${file} imports ${target}: not allowed from ${room.folder}, ${room.because}`);
}

/** Depth-first search; returns the first cycle as a path of files, or null. */
function findCycle(graph: ReadonlyMap<string, readonly string[]>): string[] | null {
  const done = new Set<string>();
  const path: string[] = [];
  const visit = (file: string): string[] | null => {
    if (path.includes(file)) return [...path.slice(path.indexOf(file)), file];
    if (done.has(file)) return null;
    path.push(file);
    for (const next of graph.get(file) ?? []) {
      const cycle = visit(next);
      if (cycle) return cycle;
    }
    path.pop();
    done.add(file);
    return null;
  };
  for (const file of graph.keys()) {
    const cycle = visit(file);
    if (cycle) return cycle;
  }
  return null;
}

const graph = new Map(
  [...sourceFiles('src'), ...sourceFiles('web/src')].map((file) => [file, importsOf(file)]),
);
const problems = [...graph].flatMap(([file, imports]) => wrongEdges(file, imports));
const cycle = findCycle(graph);
if (cycle) problems.push(`import cycle: ${cycle.join(' → ')}`);
for (const problem of problems) console.error(problem);
console.log(`check:layers: ${graph.size} files, ${problems.length} problems`);
process.exitCode = problems.length > 0 ? 1 : 0;
