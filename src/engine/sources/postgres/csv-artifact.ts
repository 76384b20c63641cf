import { createHash } from 'node:crypto';
import type { Client } from 'pg';
import { HoldfastError } from '../../base/errors.ts';
import type { SourceContext, StreamArtifact } from '../port.ts';
import type { PostgresAddress } from './address.ts';
import { copyOut } from './copy-out.ts';
import type { CopyTable } from './copy-schema.ts';
import { databaseFailure } from './failures.ts';

interface CsvRows {
  readonly columns: readonly string[];
  /** What COPY reads: a table with its columns, or a query in parentheses. */
  readonly what: string;
  readonly options: { readonly address: PostgresAddress; readonly context: SourceContext };
}

/** Rows of a table as CSV with a header, of kind `pg-csv`; their number and SHA-256 among its facts. */
export function csvArtifact(client: Client, table: CopyTable, rows: CsvRows): StreamArtifact {
  const { address, context } = rows.options;
  const pass = () => {
    if (context.signal.aborted) throw new HoldfastError('interrupted');
  };
  return {
    form: 'stream',
    name: table.artifact!,
    kind: 'pg-csv',
    chunking: { method: 'content', profile: 'dump' },
    async produce(sink) {
      pass();
      const hash = createHash('sha256');
      const statement = `copy ${rows.what} to stdout (format csv, header true)`;
      try {
        const count = await copyOut(client, statement, async (bytes) => {
          pass();
          hash.update(bytes);
          await sink.write(bytes);
          context.progress.advance({ bytes: bytes.length });
        });
        const { schema, name } = table;
        const sha256 = hash.digest('hex');
        return { format: 'pg-csv', schema, name, columns: [...rows.columns], rows: count, sha256 };
      } catch (error) {
        throw databaseFailure(error, address);
      }
    },
  };
}
