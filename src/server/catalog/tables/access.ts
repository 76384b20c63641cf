/** Who may do what: users, their sessions and tokens. Secrets are here only as hashes, or sealed under a key that is not here. */
export interface AccessTables {
  users: UsersTable;
  user_tenant_roles: UserTenantRolesTable;
  recovery_codes: RecoveryCodesTable;
  sessions: SessionsTable;
  api_tokens: ApiTokensTable;
  one_time_codes: OneTimeCodesTable;
  login_attempts: LoginAttemptsTable;
  identity_providers: IdentityProvidersTable;
  user_identities: UserIdentitiesTable;
  used_login_states: UsedLoginStatesTable;
}

export type RoleName = 'owner' | 'admin' | 'operator' | 'viewer';

export interface UsersTable {
  id: string;
  /** Lower case; unique. */
  name: string;
  /** Argon2id in the form of PHC. */
  password_hash: string;
  /** For everything; null for a user who has roles in tenants only. Only one user is owner. */
  role: RoleName | null;
  created_at: number;
  disabled_at: number | null;
  /** Sealed; null without a second factor. */
  totp_secret: string | null;
  /** Null while the second factor was not tried out. */
  totp_confirmed_at: number | null;
  /** The time step of the last code taken: none is taken twice. */
  totp_last_step: number | null;
}

export interface UserTenantRolesTable {
  user_id: string;
  tenant_id: string;
  role: RoleName;
}

export interface RecoveryCodesTable {
  user_id: string;
  code_hash: string;
}

export interface SessionsTable {
  /** SHA-256 of what the cookie holds. */
  token_hash: string;
  /** For lists; says nothing about the cookie. */
  id: string;
  user_id: string;
  created_at: number;
  seen_at: number;
  expires_at: number;
  /** When the password was last given. */
  proven_at: number;
  address: string;
  agent: string;
}

export interface ApiTokensTable {
  id: string;
  user_id: string;
  name: string;
  secret_hash: string;
  /** JSON array of permissions. */
  scopes: string;
  /** Null for every tenant of its user. */
  tenant_id: string | null;
  created_at: number;
  expires_at: number;
  used_at: number | null;
  revoked_at: number | null;
}

export interface OneTimeCodesTable {
  code_hash: string;
  /** `setup` lets in whoever is to become owner; `login` replaces the password of one login. */
  purpose: 'setup' | 'login';
  user_id: string | null;
  created_at: number;
  expires_at: number;
}

export interface LoginAttemptsTable {
  /** Hash of an account's name or of an address. */
  subject: string;
  window_at: number;
  count: number;
}

export interface IdentityProvidersTable {
  kind: 'oidc';
  /** JSON, see `oidcSettings`. */
  body: string;
  updated_at: number;
  updated_by: string;
}

/** Whom a provider knows under a subject. A user with one has no password of their own. */
export interface UserIdentitiesTable {
  issuer: string;
  subject: string;
  user_id: string;
  created_at: number;
  seen_at: number;
}

/** Ways to a provider that came back: none comes back twice. */
export interface UsedLoginStatesTable {
  state_hash: string;
  expires_at: number;
}
