import { readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { slowestStage } from '../../src/cli/render-profile.ts';
import type { Command } from '../command.ts';
import type { Source } from '../workloads/port.ts';
import { pruneCommand } from './holdfast-upkeep.ts';
import { openWriter } from './holdfast-writer.ts';
import { PASSWORD } from './password.ts';
import type { Session, Tool } from './port.ts';

const BIN = fileURLToPath(new URL('../../bin/holdfast.js', import.meta.url));
const PACKAGE = new URL('../../package.json', import.meta.url);

/** As a user runs it, straight from the checkout. `cacheFolder` keeps what Node has compiled, as a home folder does. */
export function holdfast(cacheFolder: string): Tool {
  return {
    name: 'holdfast',
    version: JSON.parse(readFileSync(PACKAGE, 'utf8')).version,
    settings: 'its defaults: AES-256-GCM, zstd, password',
    kinds: ['postgres', 'sqlite', 'files'],
    session: (source, folder) => session(source, folder, cacheFolder),
  };
}

function session(source: Source, folder: string, cacheFolder: string): Session {
  const repository = join(folder, 'repository');
  const report = join(folder, 'backup.json');
  const drilled = join(folder, 'drill.json');
  const home = join(folder, 'data');
  const call = (...args: string[]): Command => ({
    steps: [[[process.execPath, BIN, '--repository', repository, '--json', ...args]]],
    env: {
      BACKUP_ENCRYPTION_KEY: PASSWORD,
      HOLDFAST_HOME: home,
      HOME: folder,
      XDG_CACHE_HOME: cacheFolder,
    },
  });
  const restoreTo = (place: string) => ({
    command: call('restore', 'latest', itemName(source), '--to', place, '--confirm-restore'),
    path: place,
  });
  return {
    prepare: call('init'),
    repository,
    backup: () => ({ ...call('backup', '--profile', addressOf(source)), outputFile: report }),
    slowestStage: () => slowestStage(JSON.parse(readFileSync(report, 'utf8')).profile),
    restore: restoreTo,
    toFile: restoreTo,
    drill: (place) => ({
      command: { ...call('drill'), outputFile: drilled },
      path: place,
      wallSeconds: () => phaseSeconds(JSON.parse(readFileSync(drilled, 'utf8')), ['load', 'index']),
    }),
    verify: () => call('verify'),
    prune: (keep) => pruneCommand(call, repository, keep),
    openWriter: () => openWriter(source, repository, home, cacheFolder),
  };
}

interface Drilled {
  readonly phases: readonly { readonly name: string; readonly durationMs: number }[];
}

const phaseSeconds = ({ phases }: Drilled, wanted: readonly string[]) =>
  phases.reduce((sum, { name, durationMs }) => sum + (wanted.includes(name) ? durationMs / 1000 : 0), 0);

function addressOf(source: Source): string {
  if (source.kind === 'postgres') return source.url;
  return source.kind === 'sqlite' ? source.path : source.folder;
}

/** Without a configuration an artifact has the name of what it was made from. */
const itemName = (source: Source) =>
  source.kind === 'postgres' ? new URL(source.url).pathname.slice(1) : basename(addressOf(source));
