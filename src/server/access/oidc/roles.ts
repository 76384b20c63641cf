import type { OidcSettings } from '../../../contracts/api/oidc.ts';
import { HoldfastError } from '../../../engine/index.ts';
import type { RoleName } from '../../catalog/tables/access.ts';
import { userNameOf } from '../users.ts';

export interface MappedUser {
  readonly name: string;
  readonly role: RoleName | null;
  readonly tenantRoles: { readonly [tenantId: string]: RoleName };
}

type Claims = Readonly<Record<string, unknown>>;
type Rules = Pick<OidcSettings, 'roles' | 'email_domains' | 'name_claim'>;

const RANK: { readonly [role in RoleName]: number } = { viewer: 0, operator: 1, admin: 2, owner: 3 };

/** What the settings make of somebody. Throws `sign_on_refused`: whom no rule names may nothing, and is not let in. */
export function mappedUser(claims: Claims, settings: Rules): MappedUser {
  const email = typeof claims.email === 'string' ? claims.email.trim().toLowerCase() : null;
  // Some providers write it as text.
  const isVerified = claims.email_verified === true || claims.email_verified === 'true';
  if (settings.email_domains.length > 0) {
    const domain = email?.split('@').at(-1) ?? '';
    if (!isVerified || !settings.email_domains.includes(domain)) {
      throw refused('their e-mail address is not verified, or not of an allowed domain');
    }
  }
  if (settings.name_claim === 'email' && (email === null || !isVerified)) {
    throw refused('the provider gives no verified e-mail address to call them by');
  }
  const name = settings.name_claim === 'email' ? email : claims.preferred_username;
  if (typeof name !== 'string') throw refused(`the provider gives no ${settings.name_claim}`);
  const fitting = settings.roles.filter(({ claim, value }) => valuesOf(claims, claim).includes(value));
  const highest = (tenantId: string | null) =>
    fitting
      .filter((rule) => rule.tenant_id === tenantId)
      .map(({ role }): RoleName => role)
      .sort((a, b) => RANK[b] - RANK[a])[0] ?? null;
  const tenants = new Set(fitting.flatMap(({ tenant_id }) => tenant_id ?? []));
  const role = highest(null);
  if (role === null && tenants.size === 0) throw refused('no rule gives them a role');
  const tenantRoles = Object.fromEntries([...tenants].map((id) => [id, highest(id)!]));
  return { name: nameOrRefusal(name), role, tenantRoles };
}

const refused = (why: string) => new HoldfastError('sign_on_refused', `nobody is let in: ${why}`);

function nameOrRefusal(name: string): string {
  try {
    return userNameOf(name);
  } catch {
    throw refused('what they are called is no name of a user');
  }
}

/** Texts of a claim: by its whole name, which may hold dots, else by the path that dots make. */
function valuesOf(claims: Claims, name: string): readonly unknown[] {
  if (Object.hasOwn(claims, name)) return [claims[name]].flat();
  let value: unknown = claims;
  for (const part of name.split('.')) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, part)) return [];
    value = (value as Claims)[part];
  }
  return [value].flat();
}
