import { setTimeout } from 'node:timers/promises';
import { codeOf, HoldfastError } from '../../base/errors.ts';
import type { SourceContext, StreamArtifact } from '../port.ts';
import type { PostgresAddress } from './address.ts';
import { asFacts, type DumpFacts } from './facts.ts';
import { keepsChanging, type Snapshot, tablesChangedSince, takeSnapshot } from './snapshot.ts';
import { streamDump } from './stream-dump.ts';
import type { ClientTools } from './tools.ts';

/**
 * A schema change between the snapshot and pg_dump's locks (some 100 ms) costs a new start. The pauses between them
 * double up to the longest, so that a migration of half a minute is waited for.
 */
const MAX_STARTS = 14;
const FIRST_PAUSE_MS = 20;
const LONGEST_PAUSE_MS = 5000;

export interface SnapshotHolder {
  current: Snapshot;
}

export interface DumpArtifactOptions {
  readonly name: string;
  readonly address: PostgresAddress;
  readonly tools: ClientTools;
  readonly holder: SnapshotHolder;
  readonly lockTimeoutMs: number;
}

/** `pg_dump`'s custom format as an artifact of kind `pg-dump`. Its facts are `DumpFacts`. */
export function dumpArtifact(options: DumpArtifactOptions, context: SourceContext): StreamArtifact {
  return {
    form: 'stream',
    name: options.name,
    kind: 'pg-dump',
    chunking: { method: 'content', profile: 'dump' },
    async produce(sink) {
      for (let start = 1; ; start += 1) {
        const facts = await dumpOnce(options, context, sink, start === MAX_STARTS);
        if (facts !== null) return asFacts(facts);
        await options.holder.current.release();
        await pause(Math.min(FIRST_PAUSE_MS * 2 ** start, LONGEST_PAUSE_MS), context.signal);
        options.holder.current = await takeSnapshot(options.address, context.signal);
      }
    },
  };
}

async function pause(ms: number, signal: AbortSignal): Promise<void> {
  await setTimeout(ms, null, { signal }).catch(() => {
    throw new HoldfastError('interrupted');
  });
}

class Overtaken extends Error {}

/** Null when a schema change overtook the start: nothing was written to the sink then. */
async function dumpOnce(
  { tools, address, holder, lockTimeoutMs }: DumpArtifactOptions,
  { scratchFolder, signal, progress }: SourceContext,
  sink: Parameters<StreamArtifact['produce']>[0],
  last: boolean,
): Promise<DumpFacts | null> {
  const snapshot = holder.current;
  let begun = false;
  const overtaken = async () => {
    const changed = await tablesChangedSince(snapshot, address);
    if (changed.length > 0 && last) throw keepsChanging(changed);
    return changed.length > 0;
  };
  const beforeData = async () => {
    if (await overtaken()) throw new Overtaken();
    begun = true;
  };
  try {
    const snapshotId = snapshot.id;
    return await streamDump({
      tools,
      address,
      snapshotId,
      scratchFolder,
      sink,
      signal,
      progress,
      lockTimeoutMs,
      beforeData,
    });
  } catch (error) {
    if (error instanceof Overtaken) return null;
    // A table dropped before pg_dump locked it makes pg_dump fail; that is no failure of the source.
    if (!begun && codeOf(error) === 'source_failed' && (await overtaken())) return null;
    throw error;
  }
}
