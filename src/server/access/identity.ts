import type { RoleName } from '../catalog/tables/access.ts';
import { type Permission, roleAllows } from './permissions.ts';

/** Whoever is behind a request, with what the catalog says about them at this moment. */
export interface Identity {
  readonly userId: string;
  readonly userName: string;
  /** For every tenant and for what belongs to none; null for somebody with roles in tenants only. */
  readonly role: RoleName | null;
  readonly tenantRoles: ReadonlyMap<string, RoleName>;
  readonly session: { readonly id: string; readonly tokenHash: string; readonly provenAtMs: number } | null;
  readonly token: { readonly id: string; readonly name: string } | null;
  /** Of a token: it does nothing else, whatever its user may do. Null for a session. */
  readonly scopes: ReadonlySet<Permission> | null;
  /** Of a token that is for one tenant only. */
  readonly onlyTenant: string | null;
}

/** Whether something that belongs to a tenant, or with null to none, is allowed. */
export function isAllowed(identity: Identity, permission: Permission, tenantId: string | null): boolean {
  if (identity.scopes && !identity.scopes.has(permission)) return false;
  if (identity.onlyTenant !== null && identity.onlyTenant !== tenantId) return false;
  if (identity.role !== null && roleAllows(identity.role, permission)) return true;
  const role = tenantId === null ? undefined : identity.tenantRoles.get(tenantId);
  return role !== undefined && roleAllows(role, permission);
}

/** Tenants for which something is allowed; null for all of them and for what belongs to none. */
export function allowedTenants(identity: Identity, permission: Permission): readonly string[] | null {
  if (identity.scopes && !identity.scopes.has(permission)) return [];
  if (identity.onlyTenant !== null) {
    return isAllowed(identity, permission, identity.onlyTenant) ? [identity.onlyTenant] : [];
  }
  if (identity.role !== null && roleAllows(identity.role, permission)) return null;
  return [...identity.tenantRoles].filter(([, role]) => roleAllows(role, permission)).map(([id]) => id);
}

export const isAllowedSomewhere = (identity: Identity, permission: Permission) =>
  allowedTenants(identity, permission)?.length !== 0;

/** As it stands in `updated_by` and in the ledger. */
export const nameOf = ({ userName, token }: Identity) => (token ? `${userName} (${token.name})` : userName);
