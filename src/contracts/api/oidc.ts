/** Logging in through an identity provider (OpenID Connect): who it is, and what its people may do here. */
import { z } from 'zod';
import { givenRole } from './access.ts';
import { tenantId, time } from './common.ts';

const text = (most: number) => z.string().min(1).max(most);
const domain = z
  .string()
  .max(253)
  .regex(/^[a-z0-9-]+(\.[a-z0-9-]+)+$/, 'must be a domain in lower case such as example.org');

const roleRule = z
  .strictObject({
    claim: text(200).describe('such as groups; realm_access.roles looks inside'),
    value: text(500).describe('equal to the claim, or one of its values'),
    tenant_id: tenantId.default(null).describe('null gives the role for everything'),
    role: givenRole,
  })
  .describe('Whoever has this value in this claim has this role. Nobody becomes owner.');

export const oidcSettings = z.strictObject({
  label: text(60).describe('on the button of the login page').default('Single sign-on'),
  issuer: z
    .url({ protocol: /^https?$/, error: 'must be an address such as https://login.example.org' })
    .max(500)
    .describe('as the provider calls itself, to the letter'),
  client_id: text(300),
  client_secret: z
    .union([z.strictObject({ env: text(200) }), z.strictObject({ file: text(1000) })])
    .nullable()
    .default(null)
    .describe('the variable or file of the server that holds it; null for a public client'),
  scopes: z
    .array(z.string().regex(/^[\x21\x23-\x5b\x5d-\x7e]{1,100}$/, 'is not a scope'))
    .max(20)
    .default(['email', 'profile'])
    .describe('asked for besides openid'),
  name_claim: z
    .enum(['email', 'preferred_username'])
    .default('email')
    .describe('what users are called here; email must be a verified one'),
  email_domains: z
    .array(domain)
    .max(50)
    .default([])
    .describe('only people with a verified e-mail address in one of these; empty for all'),
  roles: z.array(roleRule).min(1, 'must give somebody a role').max(200),
  session_hours: z.int().min(1).max(168).default(12),
  token_days: z
    .int()
    .min(1)
    .max(365)
    .default(30)
    .describe('API tokens of somebody who has not logged in for longer do not work until they do'),
});

export type OidcSettings = z.output<typeof oidcSettings>;

export const storedOidc = z.object({
  settings: oidcSettings.nullable().describe('null while people log in by password alone'),
  updated_at: time.nullable(),
  updated_by: z.string().nullable(),
});

export const oidcTest = z.object({
  ok: z.boolean(),
  steps: z.array(z.object({ step: z.string(), ok: z.boolean(), message: z.string().nullable() })),
});

export const loginMethods = z.object({
  oidc: z
    .object({ label: z.string(), start: z.string().describe('where the browser goes') })
    .nullable()
    .describe('null when it is not configured'),
});

export const oidcStart = z.strictObject({
  return_to: z.string().max(1000).optional().describe('a page below /admin'),
  prove: z.enum(['true']).optional().describe('the password once more, at the provider'),
});

/** What comes back with the browser; anything else in it is left alone. */
export const oidcCallback = z.object({
  code: z.string().max(4096).optional(),
  state: z.string().max(500).optional(),
  iss: z.string().max(500).optional(),
  error: z.string().max(200).optional(),
});
