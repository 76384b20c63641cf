import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import type { ChannelConfig } from '../../contracts/config-channels.ts';
import { HoldfastError, systemCode } from '../../engine/index.ts';
import { vettedSocket } from '../outbound/index.ts';
import { emailText } from './email-text.ts';
import { readSecret } from './read-secret.ts';
import type { Sending, SendParts, SendResult } from './sending.ts';

/** A mail server may take its time: greylisting and checks happen while the sender waits. */
const TIMEOUT_MS = 60_000;

type Email = Extract<ChannelConfig, { kind: 'email' }>;

/** Sends one message to all receivers of a channel. Without TLS that the channel asks for, nothing is sent. */
export async function sendEmail(body: Email, sending: Sending, parts: SendParts): Promise<SendResult> {
  const { channel, notice, deliveryId } = sending;
  const { createTransport } = await import('nodemailer');
  const port = body.port ?? (body.security === 'tls' ? 465 : 587);
  const password = body.login
    ? await readSecret(body.login.password, `the password of channel ${channel.name}`, parts.secrets)
    : null;
  const ca = body.caFile
    ? await authority(resolve(parts.secrets.folder, body.caFile), channel.name)
    : undefined;
  const connection = await connected(body.host, port, parts);
  const transport = createTransport({
    connection,
    host: body.host,
    port,
    secure: body.security === 'tls',
    requireTLS: body.security === 'starttls',
    ignoreTLS: body.security === 'none',
    ...(body.login && { auth: { user: body.login.user, pass: password! } }),
    tls: { minVersion: 'TLSv1.2', ...(ca && { ca }) },
    ...{ connectionTimeout: TIMEOUT_MS, greetingTimeout: TIMEOUT_MS, socketTimeout: TIMEOUT_MS },
    ...{ disableFileAccess: true, disableUrlAccess: true },
  });
  const timer = setTimeout(() => connection.destroy(new Error('it takes too long')), TIMEOUT_MS);
  try {
    const { response } = await transport.sendMail({
      ...emailText(notice, parts.publicUrl),
      ...{ from: body.from, to: body.to },
      // Of every attempt the same: a message that came through twice is shown once.
      messageId: `<${deliveryId}@holdfast>`,
      headers: { 'Auto-Submitted': 'auto-generated' },
      date: new Date(sending.nowMs),
    });
    return { answer: response.slice(0, 200), error: null, isFinal: false, retryAfterSeconds: null };
  } catch (error) {
    const { response, message } = error as { response?: string; message: string };
    const hide = (text: string) => withoutLogin(text, body.login?.user ?? '', password);
    const answer = response === undefined ? null : hide(response).slice(0, 200);
    return { answer, error: hide(message).slice(0, 500), isFinal: false, retryAfterSeconds: null };
  } finally {
    clearTimeout(timer);
    transport.close();
    connection.destroy();
  }
}

async function connected(host: string, port: number, { outbound }: SendParts) {
  const signal = AbortSignal.timeout(TIMEOUT_MS);
  try {
    return await vettedSocket({ host, port }, outbound, signal);
  } catch (error) {
    if (error instanceof HoldfastError) throw error;
    const why = systemCode(error) ?? (error as Error).message;
    throw new HoldfastError('notice_failed', `${host}:${port}: ${why}`, { cause: error });
  }
}

async function authority(file: string, channel: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    throw new HoldfastError(
      'secret_missing',
      `caFile of channel ${channel}: ${file} cannot be read: ${systemCode(error)}`,
    );
  }
}

/** A server could repeat what it was told, as it was told: AUTH PLAIN and LOGIN send it in base64. */
function withoutLogin(text: string, user: string, password: string | null): string {
  if (password === null) return text;
  const base64 = (plain: string) => Buffer.from(plain).toString('base64');
  const forms = [password, base64(password), base64(`\0${user}\0${password}`)];
  return forms.reduce((masked, form) => masked.replaceAll(form, '***'), text);
}
