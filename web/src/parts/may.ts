import { useMe } from '../api/queries.ts';

const OF_OPERATOR = ['backups:trigger', 'jobs:cancel', 'destinations:test'];
const OF_ADMIN = ['plans:write', 'backups:download'];

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
    if (OF_OPERATOR.includes(permission)) return roles.some((role) => role !== 'viewer');
    return OF_ADMIN.includes(permission) && roles.includes('admin');
  };
}
