import { createRootRoute, createRoute, createRouter, lazyRouteComponent } from '@tanstack/react-router';
import { Frame } from './frame/frame.tsx';
import { NotFoundPage } from './pages/not-found-page.tsx';
import { OverviewPage } from './pages/overview-page.tsx';

const root = createRootRoute({ component: Frame, notFoundComponent: NotFoundPage });
const at = <P extends string>(path: P) => ({ getParentRoute: () => root, path }) as const;

const text = (value: unknown) => (typeof value === 'string' && value !== '' ? value : undefined);

export const overviewRoute = createRoute({ ...at('/'), component: OverviewPage });
export const backupsRoute = createRoute({
  ...at('/backups'),
  component: lazyRouteComponent(() => import('./pages/backups-page.tsx'), 'BackupsPage'),
});
export const backupRoute = createRoute({
  ...at('/backups/$id'),
  component: lazyRouteComponent(() => import('./pages/backup-page.tsx'), 'BackupPage'),
});
export const restoreRoute = createRoute({
  ...at('/restore'),
  validateSearch: (search: Record<string, unknown>): { backup?: string; item?: string } => {
    const [backup, item] = [text(search.backup), text(search.item)];
    return { ...(backup ? { backup } : {}), ...(item ? { item } : {}) };
  },
  component: lazyRouteComponent(() => import('./pages/restore-page.tsx'), 'RestorePage'),
});
export const runsRoute = createRoute({
  ...at('/runs'),
  component: lazyRouteComponent(() => import('./pages/runs-page.tsx'), 'RunsPage'),
});
export const runRoute = createRoute({
  ...at('/runs/$id'),
  component: lazyRouteComponent(() => import('./pages/run-page.tsx'), 'RunPage'),
});
const documents = () => import('./pages/documents-page.tsx');
export const plansRoute = createRoute({
  ...at('/plans'),
  component: lazyRouteComponent(documents, 'PlansPage'),
});
export const sourcesRoute = createRoute({
  ...at('/sources'),
  component: lazyRouteComponent(documents, 'SourcesPage'),
});
export const destinationsRoute = createRoute({
  ...at('/destinations'),
  component: lazyRouteComponent(documents, 'DestinationsPage'),
});
export const usersRoute = createRoute({
  ...at('/users'),
  component: lazyRouteComponent(() => import('./pages/users-page.tsx'), 'UsersPage'),
});
export const tokensRoute = createRoute({
  ...at('/tokens'),
  component: lazyRouteComponent(() => import('./pages/tokens-page.tsx'), 'TokensPage'),
});
export const accountRoute = createRoute({
  ...at('/account'),
  component: lazyRouteComponent(() => import('./pages/account-page.tsx'), 'AccountPage'),
});
export const healthRoute = createRoute({
  ...at('/health'),
  component: lazyRouteComponent(() => import('./pages/health-page.tsx'), 'HealthPage'),
});
export const maintenanceRoute = createRoute({
  ...at('/maintenance'),
  component: lazyRouteComponent(() => import('./pages/maintenance-page.tsx'), 'MaintenancePage'),
});
export const tablesRoute = createRoute({
  ...at('/tables'),
  component: lazyRouteComponent(() => import('./pages/tables-page.tsx'), 'TablesPage'),
});
export const ledgerRoute = createRoute({
  ...at('/ledger'),
  component: lazyRouteComponent(() => import('./pages/ledger-page.tsx'), 'LedgerPage'),
});
export const noticesRoute = createRoute({
  ...at('/notices'),
  component: lazyRouteComponent(() => import('./pages/notices-page.tsx'), 'NoticesPage'),
});
export const tenantsRoute = createRoute({
  ...at('/tenants'),
  component: lazyRouteComponent(() => import('./pages/tenants-page.tsx'), 'TenantsPage'),
});
export const settingsRoute = createRoute({
  ...at('/settings'),
  validateSearch: (search: Record<string, unknown>): { tenant?: string } => {
    const tenant = text(search.tenant);
    return tenant ? { tenant } : {};
  },
  component: lazyRouteComponent(() => import('./pages/settings-page.tsx'), 'SettingsPage'),
});
export const configurationRoute = createRoute({
  ...at('/configuration'),
  component: lazyRouteComponent(() => import('./pages/configuration-page.tsx'), 'ConfigurationPage'),
});
export const keysRoute = createRoute({
  ...at('/keys'),
  component: lazyRouteComponent(() => import('./pages/keys-page.tsx'), 'KeysPage'),
});
export const drillsRoute = createRoute({
  ...at('/drills'),
  component: lazyRouteComponent(() => import('./pages/drills-page.tsx'), 'DrillsPage'),
});
export const drillRoute = createRoute({
  ...at('/drills/$id'),
  component: lazyRouteComponent(() => import('./pages/drill-page.tsx'), 'DrillPage'),
});
export const drillPlanRoute = createRoute({
  ...at('/drills/plans/$plan'),
  component: lazyRouteComponent(() => import('./pages/drill-plan-page.tsx'), 'DrillPlanPage'),
});
export const retentionRoute = createRoute({
  ...at('/plans/$plan/retention'),
  component: lazyRouteComponent(() => import('./pages/retention-page.tsx'), 'RetentionPage'),
});

export const router = createRouter({
  routeTree: root.addChildren([
    overviewRoute,
    backupsRoute,
    backupRoute,
    restoreRoute,
    runsRoute,
    runRoute,
    plansRoute,
    sourcesRoute,
    destinationsRoute,
    usersRoute,
    tokensRoute,
    accountRoute,
    healthRoute,
    maintenanceRoute,
    tablesRoute,
    ledgerRoute,
    noticesRoute,
    tenantsRoute,
    settingsRoute,
    configurationRoute,
    keysRoute,
    drillsRoute,
    drillRoute,
    drillPlanRoute,
    retentionRoute,
  ]),
  basepath: '/admin',
  defaultPreload: 'intent',
  scrollRestoration: false,
});

declare module '@tanstack/react-router' {
  interface Register {
    router: typeof router;
  }
}
