import type { AccessTables } from './tables/access.ts';
import type { BackupTables } from './tables/backups.ts';
import type { ConfigurationTables } from './tables/configuration.ts';
import type { DrillTables } from './tables/drills.ts';
import type { EventTables } from './tables/events.ts';
import type { JobTables } from './tables/jobs.ts';
import type { LedgerTables } from './tables/ledger.ts';
import type { NoticeTables } from './tables/notices.ts';
import type { ScheduleTables } from './tables/schedule.ts';

/** Every table, one interface for each module. A module adds its own file in `tables/` and its name here. */
export interface CatalogSchema
  extends ConfigurationTables,
    JobTables,
    ScheduleTables,
    BackupTables,
    DrillTables,
    EventTables,
    NoticeTables,
    AccessTables,
    LedgerTables {}
