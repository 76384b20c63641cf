/** Where the navigation leads to. */
import {
  type Icon,
  IconArchive,
  IconArrowBackUp,
  IconBell,
  IconBuilding,
  IconCalendarTime,
  IconDatabase,
  IconFileDiff,
  IconHeartbeat,
  IconHistory,
  IconHome,
  IconKey,
  IconListCheck,
  IconLock,
  IconServer,
  IconSettings,
  IconShieldCheck,
  IconTable,
  IconTool,
  IconUser,
  IconUsers,
} from '../parts/icons.ts';
import type { TextKey } from '../texts/texts.ts';

type Place =
  | ('/' | '/backups' | '/restore' | '/runs')
  | ('/health' | '/drills' | '/maintenance' | '/tables' | '/ledger' | '/keys')
  | ('/plans' | '/sources' | '/destinations' | '/notices' | '/tenants' | '/settings' | '/configuration')
  | ('/users' | '/tokens' | '/account');

/** Shown to whoever has the permission; to everybody without one. */
export type Entry = readonly [to: Place, label: TextKey, icon: Icon, permission?: string];

export const DAILY: readonly Entry[] = [
  ['/', 'nav.overview', IconHome],
  ['/backups', 'nav.backups', IconArchive],
  ['/restore', 'nav.restore', IconArrowBackUp, 'backups:restore'],
  ['/runs', 'nav.jobs', IconHistory],
];
export const UPKEEP: readonly Entry[] = [
  ['/health', 'nav.health', IconHeartbeat, 'health:read'],
  ['/drills', 'nav.drills', IconShieldCheck],
  ['/maintenance', 'nav.maintenance', IconTool, 'backups:trigger'],
  ['/tables', 'nav.tables', IconTable, 'plans:read'],
  ['/ledger', 'nav.ledger', IconListCheck, 'ledger:read'],
];
export const SETTINGS: readonly Entry[] = [
  ['/plans', 'nav.plans', IconCalendarTime],
  ['/sources', 'nav.sources', IconDatabase],
  ['/destinations', 'nav.destinations', IconServer],
  ['/notices', 'nav.channels', IconBell, 'notices:read'],
  ['/keys', 'nav.keys', IconLock, 'keys:generate'],
  ['/tenants', 'nav.tenants', IconBuilding, 'tenants:read'],
  ['/settings', 'nav.settings', IconSettings, 'settings:read'],
  // Of the whole server: nobody of one tenant alone has this permission.
  ['/configuration', 'nav.configuration', IconFileDiff, 'tenants:write'],
];
export const ACCESS: readonly Entry[] = [
  ['/users', 'nav.users', IconUsers, 'users:read'],
  ['/tokens', 'nav.tokens', IconKey],
  ['/account', 'nav.account', IconUser],
];
