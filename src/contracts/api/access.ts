import { z } from 'zod';
import { id, tenantId, time } from './common.ts';

export const roleName = z.enum(['owner', 'admin', 'operator', 'viewer']);
export const givenRole = z.enum(['admin', 'operator', 'viewer']);
const userName = z.string().min(2).max(100);
const password = z.string().min(1).max(256);
const code = z.string().min(6).max(40).describe('Of the authenticator, or a recovery code');

export const setupState = z.object({ owned: z.boolean() });
export const ownerClaim = z.strictObject({ name: userName, password });
export const loginRequest = z.strictObject({
  name: z.string().max(100),
  password: z.string().max(256),
  code: code.optional(),
});
export const codeLogin = z.strictObject({ login_code: z.string().max(200) });
export const proof = z.strictObject({ password: z.string().max(256), code: code.optional() });
export const passwordChange = z.strictObject({
  password: z.string().max(256),
  new_password: password,
  code: code.optional(),
});

export const me = z.object({
  user: z.object({
    id,
    name: z.string(),
    role: roleName.nullable(),
    tenant_roles: z.record(z.string(), roleName),
    has_second_factor: z.boolean(),
    by_provider: z.boolean().describe('logs in through the identity provider, and has no password here'),
  }),
  via: z.enum(['session', 'token']),
  permissions: z.array(z.string()).describe('what is allowed for everything, or for a token'),
  proof_needed: z.boolean().describe('dangerous actions need the password once more'),
});

export const sessionInfo = z.object({
  id,
  created_at: time,
  seen_at: time,
  expires_at: time,
  address: z.string(),
  agent: z.string(),
  current: z.boolean(),
});

export const secondFactorBegun = z.object({
  secret: z.string().describe('shown once'),
  address: z.string().describe('otpauth: for a QR code'),
});
export const secondFactorConfirm = z.strictObject({ code: z.string().min(6).max(10) });
export const recoveryCodes = z.object({ recovery_codes: z.array(z.string()).describe('shown once') });

const tenantRoles = z.record(z.string().min(1).max(100), givenRole);
export const user = z.object({
  id,
  name: z.string(),
  role: roleName.nullable(),
  tenant_roles: z.record(z.string(), roleName),
  has_second_factor: z.boolean(),
  created_at: time,
  disabled_at: time.nullable(),
});
export const userCreate = z.strictObject({
  name: userName,
  password,
  role: givenRole.nullable().default(null),
  tenant_roles: tenantRoles.default({}),
});
export const userChange = z.strictObject({
  role: givenRole.nullable().optional(),
  tenant_roles: tenantRoles.optional(),
  disabled: z.boolean().optional(),
  password: password.optional().describe('a new one; ends the sessions of the user'),
  reset_second_factor: z.literal(true).optional(),
});

export const apiToken = z.object({
  id,
  user_id: id,
  name: z.string(),
  scopes: z.array(z.string()),
  tenant_id: tenantId,
  created_at: time,
  expires_at: time,
  used_at: time.nullable(),
  revoked_at: time.nullable(),
});
export const tokenCreate = z.strictObject({
  name: z.string().min(1).max(100),
  scopes: z.array(z.string().max(50)).min(1).max(50),
  tenant_id: tenantId.default(null),
  expires_in_days: z.int().min(1).max(366).default(90),
});
export const tokenCreated = z.object({ token: apiToken, secret: z.string().describe('shown once') });
