import { createHash } from 'node:crypto';
import { HoldfastError } from '../../base/errors.ts';
import type { Facts } from '../port.ts';
import { type SqlEvent, sqlScript } from './sql-script.ts';

export interface SqlTableFacts {
  /** As the script writes it, quotes and schema included. */
  readonly table: string;
  readonly rows: number;
  /** Of the rows as COPY text, the same bytes as in a dump in custom format. Hex. */
  readonly sha256: string;
}

export interface SqlFacts {
  readonly format: 'plain-sql';
  /** Who made it, as far as its first lines say: `pg_dump`, `pg_dumpall` or null. */
  readonly madeBy: 'pg_dump' | 'pg_dumpall' | null;
  readonly statements: number;
  /** Commands to psql itself, which only a terminal should ever run. */
  readonly metaCommands: number;
  readonly tables: readonly SqlTableFacts[];
}

const HEADS = [
  { madeBy: 'pg_dump', head: '-- PostgreSQL database dump\n', tail: '-- PostgreSQL database dump complete' },
  {
    madeBy: 'pg_dumpall',
    head: '-- PostgreSQL database cluster dump\n',
    tail: '-- PostgreSQL database cluster dump complete',
  },
] as const;
const HEAD_BYTES = 4096;
const TAIL_BYTES = 4096;

export interface SqlFollower {
  push(bytes: Buffer): void;
  /** Throws `source_damaged` for a script that ends in the middle, or before the last line that pg_dump writes. */
  end(): SqlFacts;
}

/** Looks at a plain SQL script as it passes. */
export function sqlFollower(): SqlFollower {
  const script = sqlScript();
  const tables: SqlTableFacts[] = [];
  let head = Buffer.alloc(0);
  let tail: Buffer[] = [];
  let tailBytes = 0;
  let statements = 0;
  let metaCommands = 0;
  let open: { table: string; rows: number; hash: ReturnType<typeof createHash> } | null = null;

  const take = (event: SqlEvent) => {
    if (event.kind === 'statement') statements += 1;
    else if (event.kind === 'meta') metaCommands += isRestrict(event.line) ? 0 : 1;
    else if (event.kind === 'copy')
      open = { table: tableOf(event.sql.toString('utf8')), rows: 0, hash: createHash('sha256') };
    else if (event.kind === 'rows') {
      open!.hash.update(event.bytes);
      for (let at = event.bytes.indexOf(0x0a); at >= 0; at = event.bytes.indexOf(0x0a, at + 1))
        open!.rows += 1;
    } else {
      tables.push({ table: open!.table, rows: open!.rows, sha256: open!.hash.digest('hex') });
      open = null;
    }
  };
  return {
    push(bytes) {
      if (head.length < HEAD_BYTES) head = Buffer.concat([head, bytes.subarray(0, HEAD_BYTES)]);
      tail.push(Buffer.from(bytes.subarray(-TAIL_BYTES)));
      tailBytes += tail.at(-1)!.length;
      if (tailBytes > 2 ** 20) {
        tail = [Buffer.concat(tail).subarray(-TAIL_BYTES)];
        tailBytes = TAIL_BYTES;
      }
      for (const event of script.push(bytes)) take(event);
    },
    end() {
      const made = HEADS.find((one) => head.toString('latin1').replaceAll('\r\n', '\n').includes(one.head));
      const isEnded = !made || Buffer.concat(tail).toString('latin1').includes(made.tail);
      if (!script.end().isWhole || !isEnded)
        throw new HoldfastError('source_damaged', 'the SQL script is cut: it ends before its end', {
          next: 'take another copy of it',
        });
      return { format: 'plain-sql', madeBy: made?.madeBy ?? null, statements, metaCommands, tables };
    },
  };
}

/** What newer pg_dumps frame a script with, against commands hidden in data: it changes nothing on the server. */
export const isRestrict = (line: string) => /^\\(un)?restrict [A-Za-z0-9]+$/.test(line);

function tableOf(sql: string): string {
  return /COPY\s+((?:"(?:[^"]|"")*"|[^\s("]+)+)/i.exec(sql)?.[1] ?? '';
}

export function asSqlFacts(facts: SqlFacts): Facts {
  return { ...facts } as unknown as Facts;
}
