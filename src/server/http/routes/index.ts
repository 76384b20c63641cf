import type { App, ServerContext } from '../context.ts';
import { addAdminRoutes } from './admin.ts';
import { addAdminConfigRoutes } from './admin-config.ts';
import { addContentRoutes } from './backup-content.ts';
import { addBackupRoutes } from './backups.ts';
import { addConfigurationRoutes } from './configuration.ts';
import { addDiscoverRoutes } from './discover.ts';
import { addDocumentRoutes } from './documents.ts';
import { addDrillRoutes } from './drills.ts';
import { addFunctionRoutes } from './functions.ts';
import { addJobRoutes } from './jobs.ts';
import { addKeyRoutes } from './keys.ts';
import { addLedgerRoutes } from './ledger.ts';
import { addMaintenanceRoutes } from './maintenance.ts';
import { addNoticeRoutes } from './notices.ts';
import { addRestoreRoutes } from './restores.ts';
import { addSecondFactorRoutes } from './second-factor.ts';
import { addServerRoutes } from './server-routes.ts';
import { addSessionRoutes } from './session.ts';
import { addSettingRoutes } from './settings.ts';
import { addSetupRoutes } from './setup.ts';
import { addSetupRestoreRoutes } from './setup-restore.ts';
import { addSignOnRoutes } from './sign-on.ts';
import { addStorageRoutes } from './storage.ts';
import { addTableRetentionRoutes } from './table-retention.ts';
import { addTokenRoutes } from './tokens.ts';
import { addTriggerRoutes } from './triggers.ts';
import { addUploadRoutes } from './uploads.ts';
import { addUserRoutes } from './users.ts';
import { addWebRoutes } from './web.ts';

/** Every route of the service. */
export function addRoutes(app: App, context: ServerContext): void {
  for (const add of ALL) add(app, context);
}

const ALL: readonly ((app: App, context: ServerContext) => void)[] = [
  ...[addServerRoutes, addSetupRoutes, addSetupRestoreRoutes],
  ...[addSessionRoutes, addSignOnRoutes, addSecondFactorRoutes, addUserRoutes, addTokenRoutes],
  ...[
    addDocumentRoutes,
    addDiscoverRoutes,
    addSettingRoutes,
    addConfigurationRoutes,
    addKeyRoutes,
    addStorageRoutes,
  ],
  ...[
    addTriggerRoutes,
    addJobRoutes,
    addBackupRoutes,
    addContentRoutes,
    addRestoreRoutes,
    addUploadRoutes,
    addMaintenanceRoutes,
  ],
  ...[addDrillRoutes, addTableRetentionRoutes],
  ...[addLedgerRoutes, addNoticeRoutes],
  ...[addAdminConfigRoutes, addAdminRoutes, addFunctionRoutes],
  addWebRoutes,
];
