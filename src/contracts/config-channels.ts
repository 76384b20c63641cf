/** The part of `holdfast.yaml` that says who is told what: channels, each with its rules. */
import { z } from 'zod';
import { name, secretReference, text } from './config-destination.ts';
import { NOTICE_GROUPS, NOTICE_KINDS } from './notice-events.ts';

const rule = z
  .strictObject({
    events: z
      .array(z.enum([...NOTICE_KINDS, ...NOTICE_GROUPS]))
      .min(1, 'must name at least one')
      .optional()
      .describe(
        'Default: all but backup_started for a webhook, problems for e-mail, what backups report for a ping.',
      ),
    plans: z
      .array(name)
      .min(1, 'must name at least one')
      .optional()
      .describe('Only of these plans. Default: any, and what has none.'),
    tenants: z
      .array(text)
      .min(1, 'must name at least one')
      .optional()
      .describe('Only of these tenants; global for what belongs to none. Default: any.'),
  })
  .describe('All that it names must fit.');

const common = {
  enabled: z.boolean().default(true),
  rules: z
    .array(rule)
    .min(1, 'must hold at least one rule; leave it out for the default')
    .optional()
    .describe('A notice is sent when one of them fits.'),
};

/** Tokens are part of many such addresses, so that the whole address may be a secret. */
const secretAddress = z
  .union([
    text.regex(/^(https?:\/\/|\$\{[A-Za-z_][A-Za-z0-9_]*\}$)/, 'must begin with https:// or http://'),
    secretReference('the address'),
  ])
  .describe('An address (${NAME} is allowed), or where one is found when it is a secret.');

const webhook = z.strictObject({
  kind: z.literal('webhook'),
  ...common,
  url: secretAddress,
  secret: secretReference('the secret that signs the notices').describe(
    'At least 16 characters, known to the receiver, which checks the signature with it.',
  ),
});

const address = text.regex(/^[^\s@<>"]+@[^\s@<>"]+$/, 'must be an e-mail address such as ops@example.org');

const email = z
  .strictObject({
    kind: z.literal('email'),
    ...common,
    host: text.describe('The mail server.'),
    port: z.int().min(1).max(65_535).optional().describe('Default 587, or 465 with security: tls.'),
    security: z
      .enum(['starttls', 'tls', 'none'])
      .default('starttls')
      .describe('starttls is required, not tried. none sends in the clear, without a login.'),
    login: z
      .strictObject({ user: text, password: secretReference('the password') })
      .optional()
      .describe('Needs starttls or tls.'),
    caFile: text
      .optional()
      .describe('PEM file of the authority that vouches for the server, if it is your own.'),
    from: address,
    to: z.array(address).min(1, 'must name at least one').max(50, 'must not name more than 50'),
  })
  .refine(({ security, login }) => security !== 'none' || login === undefined, {
    message: 'must not be sent in the clear: use starttls or tls',
    path: ['login'],
  });

const ping = z.strictObject({
  kind: z.literal('ping'),
  ...common,
  url: secretAddress,
  start: z.boolean().default(true).describe('Also when a run begins: the address with /start behind it.'),
});

export const channel = z.discriminatedUnion('kind', [webhook, email, ping]);

export type ChannelConfig = z.output<typeof channel>;
export type ChannelRule = z.output<typeof rule>;
export type SecretAddress = z.output<typeof secretAddress>;
export type SecretReference = z.output<ReturnType<typeof secretReference>>;
