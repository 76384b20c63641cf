import type { ChannelConfig } from '../../contracts/config-channels.ts';
import { vettedRequest, webAddress } from '../outbound/index.ts';
import type { Notice } from './notice.ts';
import { readAddress } from './read-secret.ts';
import { webResult } from './send-webhook.ts';
import type { Sending, SendParts, SendResult } from './sending.ts';

const TIMEOUT_MS = 10_000;

type Ping = Extract<ChannelConfig, { kind: 'ping' }>;

/**
 * Asks for an address as Healthchecks has it: `/start` behind it when a run begins, `/fail` when something is wrong, nothing for
 * success; `rid` tells runs apart, and the message is the body.
 */
export async function sendPing(
  body: Ping,
  { channel, notice }: Sending,
  parts: SendParts,
): Promise<SendResult> {
  const address = await readAddress(body.url, `the address of channel ${channel.name}`, parts.secrets);
  const answer = await vettedRequest(
    {
      url: pingUrl(address, notice),
      method: 'POST',
      body: notice.payload.message,
      headers: { 'Content-Type': 'text/plain; charset=utf-8' },
      timeoutMs: TIMEOUT_MS,
      ...(parts.ca === undefined ? {} : { ca: parts.ca }),
    },
    parts.outbound,
  );
  return webResult(answer);
}

export function pingUrl(
  address: string,
  { kind, payload, jobId }: Pick<Notice, 'kind' | 'payload' | 'jobId'>,
): string {
  const url = webAddress(address);
  const suffix = kind === 'backup_started' ? '/start' : payload.status === 'failed' ? '/fail' : '';
  if (suffix !== '') url.pathname = `${url.pathname.replace(/\/$/, '')}${suffix}`;
  if (jobId !== null) url.searchParams.set('rid', jobId);
  return url.href;
}
