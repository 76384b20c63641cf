import { sendEmail } from './send-email.ts';
import { sendPing } from './send-ping.ts';
import { sendWebhook } from './send-webhook.ts';
import type { Sending, SendParts, SendResult } from './sending.ts';

/** Tries once. Throws what reading secrets and connecting throw; those count as failures that may pass. */
export function send(sending: Sending, parts: SendParts): Promise<SendResult> {
  const { body } = sending.channel;
  switch (body.kind) {
    case 'webhook':
      return sendWebhook(body, sending, parts);
    case 'email':
      return sendEmail(body, sending, parts);
    case 'ping':
      return sendPing(body, sending, parts);
  }
}
