import { fingerprintOf, SIGNING_CONTEXTS, verifySignature } from '../crypto/signing.ts';
import { invalid, type OpenedEvidence, openEvidence } from './envelope.ts';
import { SIGNATURE_LINE } from './evidence-page.ts';
import { unescaped } from './page-text.ts';

export interface VerifiedEvidence extends OpenedEvidence {
  readonly form: 'document' | 'page';
}

/**
 * Checks a document or a page with nothing else at hand. With `signer`, the fingerprint in hex of the key it must be signed
 * by, nobody else's passes; without it the caller compares the fingerprint. Throws `evidence_invalid`.
 */
export function verifyEvidence(bytes: Uint8Array, signer: string | null): VerifiedEvidence {
  const isPage = Buffer.from(bytes.subarray(0, 15)).toString('latin1').toLowerCase() === '<!doctype html>';
  const opened = isPage ? openPage(Buffer.from(bytes)) : openEvidence(bytes);
  if (signer !== null && signer.toLowerCase().replace(/[:\s]/g, '') !== opened.fingerprint) {
    throw invalid(`it is signed by ${opened.fingerprint}, not by ${signer}`);
  }
  return { ...opened, form: isPage ? 'page' : 'document' };
}

function openPage(bytes: Buffer): OpenedEvidence {
  const at = bytes.lastIndexOf('<!-- holdfast evidence signature ');
  const match = at < 0 ? null : SIGNATURE_LINE.exec(bytes.subarray(at).toString('latin1'));
  if (!match) throw invalid('the page has no signature');
  const publicKey = Buffer.from(match[1]!, 'base64url');
  const signature = Buffer.from(match[2]!, 'base64url');
  const isExact =
    publicKey.toString('base64url') === match[1] && signature.toString('base64url') === match[2];
  const body = bytes.subarray(0, at);
  if (!isExact || !verifySignature(publicKey, SIGNING_CONTEXTS.evidencePage, body, signature)) {
    throw invalid('the signature does not match: the page was changed after it was signed');
  }
  const document = /<pre id="evidence">([^<]*)<\/pre>/.exec(body.toString('utf8'))?.[1];
  if (document === undefined) throw invalid('the page does not hold its document');
  const opened = openEvidence(Buffer.from(unescaped(document)));
  if (opened.fingerprint !== fingerprintOf(publicKey).toString('hex')) {
    throw invalid('the page and its document are signed by different keys');
  }
  return opened;
}
