/** What can be allowed, and which role allows it. */
import type { RoleName } from '../catalog/tables/access.ts';

export const PERMISSIONS = [
  /** Of everybody who is logged in, about themselves. */
  'account:self',
  ...(['health:read', 'plans:read', 'backups:read', 'jobs:read', 'settings:read', 'tenants:read'] as const),
  ...(['backups:trigger', 'jobs:cancel', 'destinations:test'] as const),
  ...(['plans:write', 'settings:write', 'tenants:write', 'keys:generate', 'tokens:write'] as const),
  ...(['backups:download', 'backups:restore', 'backups:delete', 'users:read', 'users:write'] as const),
  ...(['ledger:read', 'metrics:read', 'notices:read', 'notices:write'] as const),
] as const;

export type Permission = (typeof PERMISSIONS)[number];

const VIEWER: readonly Permission[] = [
  ...(['account:self', 'health:read', 'plans:read', 'backups:read', 'jobs:read'] as const),
  ...(['settings:read', 'tenants:read', 'metrics:read', 'notices:read', 'tokens:write'] as const),
];
const OPERATOR: readonly Permission[] = [
  ...VIEWER,
  ...(['backups:trigger', 'jobs:cancel', 'destinations:test', 'ledger:read'] as const),
];

const OF_ROLE: { readonly [role in RoleName]: ReadonlySet<Permission> } = {
  viewer: new Set(VIEWER),
  operator: new Set(OPERATOR),
  admin: new Set(PERMISSIONS),
  owner: new Set(PERMISSIONS),
};

export const roleAllows = (role: RoleName, permission: Permission) => OF_ROLE[role].has(permission);

const RANK: { readonly [role in RoleName]: number } = { viewer: 0, operator: 1, admin: 2, owner: 3 };

/** True when somebody with `own` may give or take `role`: nobody hands out more than they have, and the owner is one. */
export const mayGive = (own: RoleName | null, role: RoleName | null): boolean =>
  own !== null && role !== 'owner' && RANK[own] >= RANK.admin && (role === null || RANK[own] >= RANK[role]);
