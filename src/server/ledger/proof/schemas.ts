/** What a line of each file must be, nothing more and nothing less: docs/ledger.md. */
import { z } from 'zod';
import { LEDGER_VERSION, STREAMS } from './statements.ts';

const hash = z.string().regex(/^[0-9a-f]{64}$/);
const signature = z.string().regex(/^[A-Za-z0-9_-]{86}$/);
const publicKey = z.string().regex(/^[A-Za-z0-9_-]{43}$/);
const time = z.iso.datetime({ precision: 3 });
const number = z.int().min(1);
const text = z.string();
const ledgerId = z.uuid();
const version = z.literal(LEDGER_VERSION);
const stream = z.enum(STREAMS);

export const entrySchema = z.strictObject({
  ...{ version, stream, seq: number, at: time, tenant_id: text.nullable() },
  ...{ actor_kind: text, actor_id: text.nullable(), actor_name: text.nullable(), action: text },
  ...{ object_kind: text.nullable(), object_id: text.nullable(), outcome: text },
  // Being canonical, it is JSON and not too deep.
  detail: z.unknown(),
  ...{ previous_hash: hash, key_id: hash, hash, signature },
});

export const checkpointSchema = z.strictObject({
  ...{
    version,
    stream,
    ledger_id: ledgerId,
    number,
    at: time,
    seq: number,
    head_hash: hash,
    entries: number,
  },
  ...{ previous_hash: hash, key_id: hash, hash, signature },
});

export const keySchema = z.strictObject({
  key_id: hash,
  public_key: publicKey,
  algorithm: z.literal('Ed25519'),
  status: z.enum(['active', 'retired']),
  host: text,
  activated_at: time,
  activated_seq: number,
  retired_at: time.nullable(),
  retired_seq: number.nullable(),
});

export const anchorSchema = z.strictObject({
  ...{ version, ledger_id: ledgerId, at: time, key_id: hash, hash, signature },
  heads: z
    .array(z.strictObject({ stream, seq: z.int().min(0), hash }))
    .min(1)
    .max(STREAMS.length),
});

/** Detail of `ledger.begin` and `ledger.key_added`, as far as the proof needs it. */
export const keyDetailSchema = z.object({
  key_id: hash,
  public_key: publicKey,
  host: text,
  ledger_id: ledgerId.optional(),
});

/** A line of `vault_signing_keys`. */
export type KeyLine = z.infer<typeof keySchema>;
