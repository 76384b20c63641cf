import type { ChannelConfig } from '../../contracts/config-channels.ts';
import { DELIVERY_HEADER, SIGNATURE_HEADER } from '../../contracts/notice-payload.ts';
import { HoldfastError } from '../../engine/index.ts';
import { type OutboundAnswer, vettedRequest } from '../outbound/index.ts';
import { readAddress, readSecret } from './read-secret.ts';
import type { Sending, SendParts, SendResult } from './sending.ts';
import { signatureOf } from './signature.ts';

const TIMEOUT_MS = 10_000;
const SHORTEST_SECRET = 16;

type Webhook = Extract<ChannelConfig, { kind: 'webhook' }>;

/** Sends exactly the payload of features row N1, signed. Any 2xx is success; redirects are not followed. */
export async function sendWebhook(body: Webhook, sending: Sending, parts: SendParts): Promise<SendResult> {
  const { channel, notice, deliveryId, nowMs } = sending;
  const url = await readAddress(body.url, `the address of channel ${channel.name}`, parts.secrets);
  const secret = await readSecret(body.secret, `the secret of channel ${channel.name}`, parts.secrets);
  if (secret.length < SHORTEST_SECRET) {
    throw new HoldfastError(
      'config_invalid',
      `the secret of channel ${channel.name} has less than 16 characters`,
    );
  }
  const text = JSON.stringify(notice.payload);
  const answer = await vettedRequest(
    {
      url,
      method: 'POST',
      body: text,
      headers: {
        'Content-Type': 'application/json',
        [SIGNATURE_HEADER]: signatureOf(secret, text, nowMs),
        [DELIVERY_HEADER]: deliveryId,
      },
      timeoutMs: TIMEOUT_MS,
      ...(parts.ca === undefined ? {} : { ca: parts.ca }),
    },
    parts.outbound,
  );
  return webResult(answer);
}

export function webResult({ status, retryAfterSeconds }: OutboundAnswer): SendResult {
  const isGood = status >= 200 && status < 300;
  const isRedirect = status >= 300 && status < 400;
  return {
    answer: String(status),
    error: isGood
      ? null
      : isRedirect
        ? `answered ${status}: redirects are not followed`
        : `answered ${status}`,
    isFinal: status === 410,
    retryAfterSeconds,
  };
}
