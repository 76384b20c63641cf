import { codeOf } from '../../base/errors.ts';
import type { SourceContext, StreamArtifact } from '../port.ts';
import type { PostgresAddress } from './address.ts';
import { asFacts, type DumpFacts } from './facts.ts';
import { keepsChanging, type Snapshot, tablesChangedSince, takeSnapshot } from './snapshot.ts';
import { streamDump } from './stream-dump.ts';
import type { ClientTools } from './tools.ts';

/** Schema changes that overtake the dump's start cost a new start each; this many in a row is no accident. */
const MAX_STARTS = 8;

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
        options.holder.current = await takeSnapshot(options.address, context.signal);
      }
    },
  };
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
