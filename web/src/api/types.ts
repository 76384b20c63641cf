/** What the API says, by the schemas that the server checks it with. Types only: no schema reaches the browser. */
import type { z } from 'zod';
import type * as access from '../../../src/contracts/api/access.ts';
import type * as administration from '../../../src/contracts/api/administration.ts';
import type * as configuration from '../../../src/contracts/api/configuration.ts';
import type * as oidc from '../../../src/contracts/api/oidc.ts';
import type * as runs from '../../../src/contracts/api/runs.ts';
import type * as setup from '../../../src/contracts/api/setup-restore.ts';

export type Me = z.infer<typeof access.me>;
export type LoginMethods = z.infer<typeof oidc.loginMethods>;
export type User = z.infer<typeof access.user>;
export type ApiToken = z.infer<typeof access.apiToken>;
export type SessionInfo = z.infer<typeof access.sessionInfo>;
export type Backup = z.infer<typeof runs.backup>;
export type BackupDetail = z.infer<typeof runs.backupDetail>;
export type Job = z.infer<typeof runs.job>;
export type JobStatus = z.infer<typeof runs.jobStatus>;
export type JobProgress = z.infer<typeof runs.progress>;
export type Trigger = z.infer<typeof runs.trigger>;
export type UpcomingRun = z.infer<typeof runs.upcomingRun>;
export type RunAnswer = z.infer<typeof runs.runAnswer>;
export type StoredDocument = z.infer<typeof configuration.storedDocument>;
export type TestResult = z.infer<typeof configuration.testResult>;
export type Tenant = z.infer<typeof configuration.tenant>;
export type Health = z.infer<typeof administration.healthAnswer>;

export type SetupRestore = z.infer<typeof setup.restoreState>;
export type SetupS3 = z.infer<typeof setup.listS3>;
export type SetupFound = z.infer<typeof setup.foundBackups>['items'][number];

export interface Page<T> {
  readonly items: readonly T[];
  /** Null on the last page. */
  readonly next: string | number | null;
}
export interface Listed<T> {
  readonly items: readonly T[];
}
