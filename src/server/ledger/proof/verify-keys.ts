import { join } from 'node:path';
import type { KnownKeys } from './ledger-keys.ts';
import { readLines } from './lines.ts';
import { type Problem, problem } from './report.ts';
import { type KeyLine, keySchema } from './schemas.ts';
import { KEYS_TABLE } from './statements.ts';

/** More keys than any ledger has; the file is not read beyond. */
const MAX_KEYS = 10_000;

/** The list of keys must say what the entries say: every key, none more, and when each was retired. */
export async function verifyKeyList(folder: string, keys: KnownKeys): Promise<Problem[]> {
  const where = `${KEYS_TABLE}.ndjson`;
  const listed = new Set<string>();
  for await (const line of readLines(join(folder, where))) {
    if ('flaw' in line) {
      if (line.line === 0) return [problem('file_missing', where, `${where} ${line.flaw}`)];
      return [problem('line_malformed', where, `line ${line.line} ${line.flaw}`, line)];
    }
    const read = keySchema.safeParse(line.value);
    if (!read.success || line.line > MAX_KEYS) {
      return [problem('line_malformed', where, `line ${line.line} is not a key`, { line: line.line })];
    }
    const flaw = listed.has(read.data.key_id) ? 'is there twice' : keyFlaw(read.data, keys);
    if (flaw) {
      const name = read.data.key_id.slice(0, 16);
      return [problem('keys_wrong', where, `the key ${name} ${flaw}`, { line: line.line })];
    }
    listed.add(read.data.key_id);
  }
  const missing = [...keys.keys()].find((keyId) => !listed.has(keyId));
  return missing ? [problem('keys_wrong', where, `the key ${missing.slice(0, 16)} is missing`)] : [];
}

function keyFlaw(line: KeyLine, keys: KnownKeys): string | null {
  const key = keys.get(line.key_id);
  if (!key) return 'is introduced by no entry';
  if (key.publicKey !== line.public_key) return 'is listed with other bytes than its entry has';
  if (key.activatedSeq !== line.activated_seq) return `was introduced by entry ${key.activatedSeq}`;
  if (key.retiredSeq !== line.retired_seq) {
    return key.retiredSeq === null
      ? 'is listed as retired and is not'
      : `was retired by entry ${key.retiredSeq}`;
  }
  const status = key.retiredSeq === null ? 'active' : 'retired';
  const isSame =
    status === line.status &&
    key.host === line.host &&
    key.activatedAt === line.activated_at &&
    key.retiredAt === line.retired_at;
  return isSame ? null : 'is listed with another status, host or time than its entries have';
}

/** Both streams introduce and retire the same keys, in the same order: one that lacks the last of them was cut. */
export function compareKeys(vault: KnownKeys, reads: KnownKeys): Problem[] {
  const differing = [...vault.values()].find((key) => {
    const other = reads.get(key.keyId);
    return !other || (other.retiredSeq === null) !== (key.retiredSeq === null);
  });
  const strange = [...reads.keys()].find((keyId) => !vault.has(keyId));
  const keyId = differing?.keyId ?? strange;
  if (keyId === undefined) return [];
  const message = `the streams disagree about the key ${keyId.slice(0, 16)}: the end of one of them is missing`;
  return [problem('streams_disagree', `${KEYS_TABLE}.ndjson`, message)];
}
