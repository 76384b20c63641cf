import { z } from 'zod';
import type { Facts } from '../port.ts';

/** One table of a dump: where its data lies, and what it is. */
export interface TableFacts {
  readonly schema: string;
  readonly name: string;
  readonly dumpId: number;
  /** Byte range of the data block in the artifact, framing included. */
  readonly start: number;
  readonly end: number;
  readonly rows: number;
  /** Of the rows as COPY text, the same bytes `COPY … TO stdout` gives. Hex. */
  readonly sha256: string;
}

/** Large objects, in the order of the dump. `sha256` covers lines of `oid size sha256`. */
export interface LargeObjectFacts {
  readonly count: number;
  readonly sizeBytes: number;
  readonly sha256: string;
  readonly blocks: readonly { readonly dumpId: number; readonly start: number; readonly end: number }[];
}

export interface SequenceFacts {
  readonly schema: string;
  readonly name: string;
  /** Decimal text: sequences reach beyond 2^53. */
  readonly lastValue: string;
  readonly isCalled: boolean;
}

export interface DumpFacts {
  readonly format: 'pg-custom';
  readonly archiveVersion: string;
  readonly serverVersion: string;
  readonly pgDumpVersion: string;
  readonly database: string;
  readonly encoding: string;
  /** Number of entries of the table of contents, and the offset behind it. */
  readonly entries: number;
  readonly tocEnd: number;
  readonly sizeBytes: number;
  readonly tables: readonly TableFacts[];
  readonly largeObjects: LargeObjectFacts;
  readonly sequences: readonly SequenceFacts[];
}

const offset = z.number().int().nonnegative();
const range = { dumpId: z.number().int().positive(), start: offset, end: offset };

const dumpFacts = z.object({
  format: z.literal('pg-custom'),
  archiveVersion: z.string(),
  serverVersion: z.string(),
  pgDumpVersion: z.string(),
  database: z.string(),
  encoding: z.string(),
  entries: offset,
  tocEnd: offset,
  sizeBytes: offset,
  tables: z.array(
    z.object({ schema: z.string(), name: z.string(), ...range, rows: offset, sha256: z.string() }),
  ),
  largeObjects: z.object({
    count: offset,
    sizeBytes: offset,
    sha256: z.string(),
    blocks: z.array(z.object(range)),
  }),
  sequences: z.array(
    z.object({ schema: z.string(), name: z.string(), lastValue: z.string(), isCalled: z.boolean() }),
  ),
});

/** The facts of a dump this version understands, or null: a dump without them is restored by pg_restore alone. */
export function parseDumpFacts(facts: Facts): DumpFacts | null {
  const parsed = dumpFacts.safeParse(facts);
  return parsed.success ? parsed.data : null;
}

/** Facts as the manifest keeps them. */
export function asFacts(facts: DumpFacts): Facts {
  return { ...facts } as unknown as Facts;
}
