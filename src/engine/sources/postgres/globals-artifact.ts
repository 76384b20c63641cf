import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { HoldfastError } from '../../base/errors.ts';
import type { SourceContext, StreamArtifact } from '../port.ts';
import type { PostgresAddress } from './address.ts';
import { startTool } from './child.ts';
import type { ServerFacts } from './snapshot.ts';
import type { ClientTools } from './tools.ts';

/** pg_dumpall's last line, "PostgreSQL database cluster dump complete": without it the text was cut. */
const END_MARK = 'dump complete';
const TAIL_BYTES = 256;

/**
 * Roles and settings of the whole server as SQL, an artifact of kind `pg-globals`. Only a superuser can read
 * password hashes; otherwise roles come without them, and the facts say so: `{ rolePasswords: boolean, sha256 }`.
 */
export function globalsArtifact(
  name: string,
  address: PostgresAddress,
  tools: ClientTools,
  server: ServerFacts,
  context: SourceContext,
): StreamArtifact {
  return {
    form: 'stream',
    name,
    kind: 'pg-globals',
    chunking: { method: 'content', profile: 'dump' },
    async produce(sink) {
      const { child, finished } = startTool({
        program: join(tools.folder, 'pg_dumpall'),
        args: ['--globals-only', '--no-password', ...(server.superuser ? [] : ['--no-role-passwords'])],
        address,
        scratchFolder: context.scratchFolder,
        signal: context.signal,
        failure: 'source_failed',
      });
      child.stdin!.end();
      const hash = createHash('sha256');
      let tail = Buffer.alloc(0);
      try {
        for await (const bytes of child.stdout! as AsyncIterable<Buffer>) {
          hash.update(bytes);
          tail = Buffer.concat([tail, bytes]).subarray(-TAIL_BYTES);
          await sink.write(bytes);
          context.progress.advance({ bytes: bytes.length });
        }
      } catch (error) {
        child.kill('SIGKILL');
        throw error;
      }
      await finished;
      if (!tail.includes(END_MARK)) throw new HoldfastError('source_failed', 'pg_dumpall ended early');
      return { rolePasswords: server.superuser, serverVersion: server.version, sha256: hash.digest('hex') };
    },
  };
}
