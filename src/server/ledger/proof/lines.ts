import { createReadStream } from 'node:fs';
import { systemCode } from '../../../engine/index.ts';
import { canonicalJson, type JsonValue } from './canonical-json.ts';

/** No line that the ledger writes comes near; a longer one is not read into memory. */
const MAX_LINE_BYTES = 262_144;
const LINE_END = 0x0a;

export type Line =
  | { readonly line: number; readonly value: JsonValue }
  | { readonly line: number; readonly flaw: string };

/**
 * The lines of an NDJSON file from anybody: each one canonical JSON, UTF-8, and ended. The first that is not comes as a flaw,
 * and nothing after it. A file that is not there is a flaw of line 0. Memory stays within one line.
 */
export async function* readLines(file: string): AsyncGenerator<Line> {
  let line = 0;
  let rest: Buffer = Buffer.alloc(0);
  try {
    for await (const part of createReadStream(file) as AsyncIterable<Buffer>) {
      let from = 0;
      for (let end = part.indexOf(LINE_END); end !== -1; end = part.indexOf(LINE_END, from)) {
        line += 1;
        const bytes = Buffer.concat([rest, part.subarray(from, end)]);
        const read = parsed(line, bytes);
        yield read;
        if ('flaw' in read) return;
        rest = Buffer.alloc(0);
        from = end + 1;
      }
      rest = Buffer.concat([rest, part.subarray(from)]);
      if (rest.length > MAX_LINE_BYTES) break;
    }
  } catch (error) {
    yield {
      line: 0,
      flaw: systemCode(error) === 'ENOENT' ? 'is missing' : `cannot be read: ${(error as Error).message}`,
    };
    return;
  }
  if (rest.length > MAX_LINE_BYTES) yield { line: line + 1, flaw: `is longer than ${MAX_LINE_BYTES} bytes` };
  else if (rest.length > 0) yield { line: line + 1, flaw: 'is cut: it has no end' };
}

function parsed(line: number, bytes: Buffer): Line {
  if (bytes.length > MAX_LINE_BYTES) return { line, flaw: `is longer than ${MAX_LINE_BYTES} bytes` };
  const value = parseCanonical(bytes);
  return value === undefined ? { line, flaw: 'is not canonical json' } : { line, value };
}

/** Undefined for bytes that are not the one canonical form of a value: no second spelling, no member twice. */
export function parseCanonical(bytes: Uint8Array): JsonValue | undefined {
  try {
    const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
    const value = JSON.parse(text) as JsonValue;
    return canonicalJson(value) === text ? value : undefined;
  } catch {
    return undefined;
  }
}
