/**
 * The data path alone: a dump-like file into a repository, again with nothing new, and back; beside restic where it is
 * installed. `node bench/micro/data-path.ts [--mib 1024] [--runs 3]`. Prints the best wall time of all runs, and its
 * CPU seconds and peak memory.
 */
import { spawnSync } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, rmSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { openChunkReader } from '../../src/engine/repository/chunk-reader.ts';
import { openChunkWriter } from '../../src/engine/repository/chunk-writer.ts';
import { createRepository, openRepository } from '../../src/engine/repository/repository.ts';
import type { Content } from '../../src/engine/sources/port.ts';
import { openLocalStorage } from '../../src/engine/storage/local-storage.ts';
import { writeDump } from './dump-data.ts';

const READ_BYTES = 256 * 1024;
const CREDENTIAL = { kind: 'raw', key: Buffer.alloc(32, 7) } as const;
const SELF = fileURLToPath(import.meta.url);

interface Measured {
  readonly wallSeconds: number;
  readonly cpuSeconds: number;
  readonly peakMib: number;
  readonly output: string;
}

/** Runs a command with standard input from a file and output to nowhere, under GNU time. */
function measured(command: readonly string[], input: string | null, keepOutput: boolean): Measured {
  const stdin = input === null ? ('ignore' as const) : openSync(input, 'r');
  const run = spawnSync('/usr/bin/time', ['-f', 'MEASURED %e %U %S %M', ...command], {
    stdio: [stdin, keepOutput ? 'pipe' : 'ignore', 'pipe'],
    env: { ...process.env, RESTIC_PASSWORD: 'bench' },
  });
  if (typeof stdin === 'number') closeSync(stdin);
  const errors = run.stderr.toString();
  const found = /MEASURED (\S+) (\S+) (\S+) (\S+)/.exec(errors);
  if (run.status !== 0 || !found) throw new Error(`${command.join(' ')}: ${errors}`);
  const [wall, user, system, kib] = found.slice(1).map(Number);
  return {
    wallSeconds: wall!,
    cpuSeconds: user! + system!,
    peakMib: kib! / 1024,
    output: keepOutput ? run.stdout.toString() : '',
  };
}

async function openBench(folder: string) {
  const storage = await openLocalStorage({ folder });
  return openRepository({ storage, credentials: [CREDENTIAL] });
}

async function writeFrom(folder: string, file: string): Promise<void> {
  const repository = await openBench(folder);
  const { storage, keys } = repository;
  const writer = openChunkWriter({ storage, keys, index: await repository.loadIndex() });
  const stream = writer.openStream({ method: 'content', profile: 'dump' });
  const source = await open(file, 'r');
  const buffer = Buffer.alloc(READ_BYTES);
  for (;;) {
    const { bytesRead } = await source.read(buffer, 0, READ_BYTES);
    if (bytesRead === 0) break;
    const written = stream.write(buffer.subarray(0, bytesRead));
    if (written) await written;
  }
  await source.close();
  const { content } = await stream.end();
  const { storedBytes, newChunks } = await writer.finish();
  const refs = content.refs.toString('base64');
  console.log(JSON.stringify({ storedBytes, newChunks, content: { ...content, refs } }));
}

async function readBack(folder: string, text: string): Promise<void> {
  const repository = await openBench(folder);
  const { storage, keys } = repository;
  const given = JSON.parse(text) as Omit<Content, 'refs'> & { refs: string };
  const content = { ...given, refs: Buffer.from(given.refs, 'base64') };
  const reader = openChunkReader({ storage, keys, index: await repository.loadIndex() });
  let sizeBytes = 0;
  for await (const bytes of reader.read(content)) sizeBytes += bytes.length;
  if (sizeBytes !== content.sizeBytes) throw new Error('the content came back with another size');
}

function show(name: string, mib: number, { wallSeconds, cpuSeconds, peakMib }: Measured, more = ''): void {
  const rate = (mib / wallSeconds).toFixed(0);
  const numbers = `${wallSeconds.toFixed(2)} s  ${rate} MiB/s  cpu ${cpuSeconds.toFixed(2)} s  peak ${peakMib.toFixed(0)} MiB`;
  console.log(`${name.padEnd(22)}${numbers}  ${more}`);
}

const faster = (a: Measured | undefined, b: Measured) => (a && a.wallSeconds <= b.wallSeconds ? a : b);

async function holdfast(place: string, file: string, mib: number, runs: number): Promise<void> {
  const best: { first?: Measured; again?: Measured; read?: Measured } = {};
  let stored = '';
  for (let i = 0; i < runs; i += 1) {
    const folder = join(place, `holdfast-${i}`);
    await createRepository({ storage: await openLocalStorage({ folder }), credential: CREDENTIAL });
    const write = [process.execPath, SELF, '--role', 'write', '--folder', folder, '--file', file];
    const first = measured(write, null, true);
    best.first = faster(best.first, first);
    best.again = faster(best.again, measured(write, null, true));
    const { storedBytes, content } = JSON.parse(first.output);
    const read = [
      process.execPath,
      SELF,
      '--role',
      'read',
      '--folder',
      folder,
      '--content',
      JSON.stringify(content),
    ];
    best.read = faster(best.read, measured(read, null, false));
    stored = `stored ${(storedBytes / 2 ** 20).toFixed(0)} MiB`;
    rmSync(folder, { recursive: true });
  }
  show('holdfast first', mib, best.first!, stored);
  show('holdfast again', mib, best.again!);
  show('holdfast read', mib, best.read!);
}

function restic(place: string, file: string, mib: number, runs: number): void {
  const best: { first?: Measured; again?: Measured; read?: Measured } = {};
  let stored = '';
  for (let i = 0; i < runs; i += 1) {
    const folder = join(place, `restic-${i}`);
    const command = ['restic', '--no-cache', '-q', '-r', folder];
    measured([...command, 'init'], null, false);
    const write = [...command, 'backup', '--stdin', '--stdin-filename', 'dump'];
    best.first = faster(best.first, measured(write, file, false));
    const size = spawnSync('du', ['-sm', folder]).stdout.toString().split('\t')[0];
    stored = `stored ${size} MiB`;
    best.again = faster(best.again, measured(write, file, false));
    best.read = faster(best.read, measured([...command, 'dump', 'latest', 'dump'], null, false));
    rmSync(folder, { recursive: true });
  }
  show('restic first', mib, best.first!, stored);
  show('restic again', mib, best.again!);
  show('restic dump', mib, best.read!);
}

const { values } = parseArgs({
  options: {
    mib: { type: 'string', default: '1024' },
    runs: { type: 'string', default: '3' },
    role: { type: 'string' },
    folder: { type: 'string', default: '' },
    file: { type: 'string' },
    content: { type: 'string', default: '' },
  },
});
if (values.role === 'write') await writeFrom(values.folder, values.file!);
else if (values.role === 'read') await readBack(values.folder, values.content);
else {
  const place = mkdtempSync(join(tmpdir(), 'holdfast-bench-'));
  try {
    const mib = Number(values.mib);
    const file = values.file ?? join(place, 'dump');
    if (!values.file) await writeDump(file, mib * 2 ** 20);
    await holdfast(place, file, mib, Number(values.runs));
    const hasRestic = spawnSync('restic', ['version']).status === 0;
    if (hasRestic) restic(place, file, mib, Number(values.runs));
  } finally {
    rmSync(place, { recursive: true, force: true });
  }
}
