/** Evidence as a document: what a drill found, and the signature of the host that drilled. docs/format.md section 11. */
import { z } from 'zod';
import { HoldfastError } from '../base/errors.ts';
import {
  fingerprintOf,
  SIGNING_CONTEXTS,
  type SigningKey,
  sign,
  verifySignature,
} from '../crypto/signing.ts';
import { canonicalJson } from './canonical-json.ts';
import { type DrillReport, drillReportSchema } from './drill-report.ts';

const envelopeSchema = z.strictObject({
  format: z.literal('holdfast evidence 1'),
  evidence: z.unknown(),
  signature: z.strictObject({
    algorithm: z.literal('ed25519'),
    /** B64, 32 bytes. */
    publicKey: z.string(),
    /** Hex, SHA-256 of the public key. */
    fingerprint: z.string(),
    /** B64, 64 bytes, over the context and the canonical JSON of `evidence`. */
    value: z.string(),
  }),
});

export interface OpenedEvidence {
  readonly report: DrillReport;
  /** Hex, of the key that signed. */
  readonly fingerprint: string;
}

/** The document as its bytes are: canonical JSON and a line end. */
export function signEvidence(report: DrillReport, key: SigningKey): string {
  // Brings it to exactly what the schema knows, text that cannot be written among it.
  const evidence = wellFormed(drillReportSchema.parse(report));
  const message = Buffer.from(canonicalJson(evidence));
  const envelope = {
    format: 'holdfast evidence 1',
    evidence,
    signature: {
      algorithm: 'ed25519',
      publicKey: key.publicKey.toString('base64url'),
      fingerprint: key.fingerprint.toString('hex'),
      value: sign(key, SIGNING_CONTEXTS.evidence, message).toString('base64url'),
    },
  };
  return `${canonicalJson(envelope)}\n`;
}

/**
 * Checks a document with nothing but itself: that it is the one way to write what it says, and that the key it names signed
 * that. Whose key that is, the caller compares. Throws `evidence_invalid`.
 */
export function openEvidence(bytes: Uint8Array): OpenedEvidence {
  const text = Buffer.from(bytes).toString('utf8');
  const envelope = envelopeSchema.safeParse(parsed(text)).data;
  if (!envelope) throw invalid('it is not evidence of Holdfast');
  const { evidence, signature } = envelope;
  // Whatever could be written another way, a blank or an escape, would be a change nobody notices.
  if (!Buffer.from(`${canonicalJson(envelope)}\n`).equals(bytes))
    throw invalid('it was changed since it was written');
  const publicKey = Buffer.from(signature.publicKey, 'base64url');
  const value = Buffer.from(signature.value, 'base64url');
  const isExact =
    publicKey.toString('base64url') === signature.publicKey &&
    value.toString('base64url') === signature.value &&
    fingerprintOf(publicKey).toString('hex') === signature.fingerprint;
  if (!isExact) throw invalid('its signature was changed');
  const message = Buffer.from(canonicalJson(evidence));
  if (!verifySignature(publicKey, SIGNING_CONTEXTS.evidence, message, value)) {
    throw invalid('the signature does not match: it was changed after it was signed');
  }
  const report = drillReportSchema.safeParse(evidence).data;
  if (!report) throw invalid('it was written by a newer version');
  return { report, fingerprint: signature.fingerprint };
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

function wellFormed<T>(value: T): T {
  if (typeof value === 'string') return value.toWellFormed() as T;
  if (Array.isArray(value)) return value.map(wellFormed) as T;
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, wellFormed(inner)])) as T;
}

export function invalid(why: string): HoldfastError {
  return new HoldfastError('evidence_invalid', `the evidence is not valid: ${why}`);
}
