import { useMe } from '../api/queries.ts';

/** What roles of one tenant allow there; see server/access/permissions.ts. */
const OF_VIEWER = ['health:read', 'settings:read', 'tenants:read', 'notices:read'];
const OF_OPERATOR = ['backups:trigger', 'jobs:cancel', 'destinations:test', 'ledger:read'];
const OF_ADMIN = ['plans:write', 'backups:download', 'backups:delete', 'settings:write'];

/**
 * Whether the person who is logged in may do something, everywhere or in one of their tenants. What this says only hides what would be
 * refused: the server decides.
 */
export function useMay(): (permission: string) => boolean {
  const me = useMe().data;
  return (permission) => {
    if (!me) return false;
    if (me.permissions.includes(permission)) return true;
    const roles = Object.values(me.user.tenant_roles);
    if (OF_VIEWER.includes(permission)) return roles.length > 0;
    if (OF_OPERATOR.includes(permission)) return roles.some((role) => role !== 'viewer');
    return OF_ADMIN.includes(permission) && roles.includes('admin');
  };
}

/** Whether they may do it everywhere. */
export function useMayEverywhere(): (permission: string) => boolean {
  const me = useMe().data;
  return (permission) => me?.permissions.includes(permission) ?? false;
}

/** Of somebody who belongs to tenants only: these. Null for who sees everything. */
export function useOwnTenants(): readonly string[] | null {
  const user = useMe().data?.user;
  return user && user.role === null ? Object.keys(user.tenant_roles) : null;
}
