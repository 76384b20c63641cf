/** The configuration as one page shows it: a plan, its databases, its destinations; without any secret. */
import type { z } from 'zod';
import type { backupConfigWrite } from '../../contracts/api/administration.ts';
import type { DestinationConfig, PlanConfig, RetentionConfig } from '../../contracts/config.ts';
import { destinationsOf } from '../../contracts/config-destinations.ts';
import { HoldfastError, keyIdOf } from '../../engine/index.ts';
import type { Author } from '../configuration/author.ts';
import {
  findDocument,
  listDocuments,
  type StoredDocument,
  storedConfig,
  writeDocument,
} from '../configuration/documents.ts';
import { OWN_PLAN } from '../configuration/own-plan.ts';
import { settingValues } from '../configuration/settings.ts';
import { initDestination } from '../worker/init-destination.ts';
import { databaseSizes } from './backup-list.ts';
import type { ServerContext } from './context.ts';
import { redact } from './redact.ts';
import { s3Address } from './s3-address.ts';
import { writeSecretFile } from './secret-files.ts';
import { refuseEndpoint } from './test-destinations.ts';

const DEFAULT_PLAN = 'default';
type Write = z.output<typeof backupConfigWrite>;
type Plan = StoredDocument<'plan'>;

/** The plan of the page: the named one, `default`, or the only one. Null when there is none. Throws `plan_unknown`. */
export async function configPlan(
  { catalog: { db } }: ServerContext,
  name: string | undefined,
): Promise<Plan | null> {
  if (name !== undefined) {
    const found = await findDocument(db, 'plan', name);
    if (!found) throw new HoldfastError('plan_unknown', `there is no plan ${name}`);
    return found;
  }
  const plans = (await listDocuments(db, 'plan')).filter((one) => one.name !== OWN_PLAN);
  return plans.find((one) => one.name === DEFAULT_PLAN) ?? (plans.length === 1 ? plans[0]! : null);
}

/** See `configPlan`. */
export async function configPayload(context: ServerContext, plan: Plan | null) {
  const { db } = context.catalog;
  const settings = await settingValues(db, plan?.tenantId ?? null);
  const config = await storedConfig(db);
  const names = plan
    ? destinationsOf(config, plan.body).map(({ name }) => name)
    : Object.keys(config.destinations);
  const { keepLast, ...rules }: RetentionConfig = plan?.body.retention ?? {};
  const isOwn = Object.keys(plan?.body.retention ?? {}).length > 0;
  const inherited = { days: settings['retention.days'], versions: settings['retention.versions'] };
  return {
    ...{ plan: plan?.name ?? null, version: plan?.version ?? null, tenant_id: plan?.tenantId ?? null },
    enabled: plan ? (plan.body.enabled ?? true) : settings['schedule.enabled'],
    type: plan?.body.type ?? ('full' as const),
    schedule: plan?.body.schedule === undefined ? settings['schedule.cron'] : plan.body.schedule,
    time_zone: plan?.body.timeZone ?? settings['schedule.timeZone'],
    sources: plan?.body.sources ?? [],
    databases: plan ? await databasesOf(context, plan) : {},
    retention: isOwn ? { ...rules, ...(keepLast === undefined ? {} : { keep_last: keepLast }) } : inherited,
    destinations: await Promise.all(names.map((name) => destinationPayload(context, config, name))),
  };
}

async function databasesOf({ catalog: { db } }: ServerContext, plan: Plan) {
  const sizes = new Map<string, number>();
  const newest = await db
    .selectFrom('backups')
    .select('artifacts')
    .where('plan', '=', plan.name)
    .where('archived_at', 'is', null)
    .orderBy('started_at', 'desc')
    .limit(20)
    .execute();
  for (const row of newest) {
    for (const [name, size] of Object.entries(databaseSizes(row)))
      if (!sizes.has(name)) sizes.set(name, size);
  }
  return Object.fromEntries(
    Object.entries(plan.body.databases ?? {}).map(([name, { enabled, hour, retentionDays }]) => [
      name,
      { enabled, hour, retention_days: retentionDays ?? null, size_bytes: sizes.get(name) ?? null },
    ]),
  );
}

async function destinationPayload(
  { workplace }: ServerContext,
  config: Awaited<ReturnType<typeof storedConfig>>,
  name: string,
) {
  const stored = config.destinations[name];
  // A variable that is not set here may be set at the worker.
  const options = await workplace
    .destination(config, name)
    .then((spec) => spec.options())
    .catch(() => null);
  const credentials = options?.storage?.s3?.credentials;
  const [key] = options?.keyTexts ?? [];
  return {
    ...{ name, address: redact(stored?.address ?? ''), region: stored?.region ?? null },
    access_key_id_set: Boolean(credentials?.accessKeyId ?? stored?.s3),
    secret_access_key_set: Boolean(credentials?.secretAccessKey ?? stored?.s3),
    encryption: {
      algorithm: stored?.encryption === 'none' ? ('none' as const) : ('AES-256-GCM' as const),
      key_set: key !== undefined,
      key_id: key === undefined ? null : keyIdOf(key),
      encryption_key_id: stored?.keys?.encryptionKeyId ?? null,
    },
  };
}

/**
 * Changes what is given and leaves the rest. Throws `document_changed` when the plan is at another version than was read, what
 * `writeDocument` throws, and for a new destination what making its repository throws.
 */
export async function changeConfig(
  context: ServerContext,
  plan: Plan | null,
  name: string | undefined,
  change: Write,
  author: Author,
): Promise<void> {
  const { catalog, schedule } = context;
  if (plan && change.version === undefined) {
    throw new HoldfastError(
      'document_changed',
      `plan ${plan.name} is at version ${plan.version}, and none was sent`,
      {
        next: 'read the configuration, and send its version with the change',
      },
    );
  }
  if (plan && change.version !== plan.version) {
    throw new HoldfastError('document_changed', `plan ${plan.name} is at version ${plan.version} meanwhile`);
  }
  if (change.s3) await changeS3(context, change, author);
  else if (change.encryption_key_id !== undefined) await changeKeyId(context, change, author);
  const body = planBody(plan?.body ?? null, change);
  if (!plan && body.sources.length === 0) return;
  const target = { kind: 'plan' as const, name: plan?.name ?? name ?? DEFAULT_PLAN, body };
  await catalog.transaction((trx) =>
    writeDocument(trx, { ...target, replaces: plan?.version ?? null }, author),
  );
  schedule.wake();
}

function planBody(before: PlanConfig | null, change: Write): Record<string, unknown> & { sources: string[] } {
  const { keep_last, ...rules } = change.retention ?? {};
  const databases =
    change.databases &&
    Object.entries(change.databases).map(([name, one]) => [
      name,
      {
        enabled: one.enabled,
        ...(one.hour === undefined ? {} : { hour: one.hour }),
        ...(one.retention_days === null ? {} : { retentionDays: one.retention_days }),
      },
    ]);
  const { destination: _, ...kept } = before ?? ({} as Partial<PlanConfig>);
  const named = change.destinations ?? (change.s3 && !before ? [change.s3_destination] : undefined);
  return {
    ...(named ? kept : (before ?? {})),
    sources: change.sources ?? before?.sources ?? [],
    ...(change.tenant_id === undefined ? {} : { tenantId: change.tenant_id }),
    ...(change.enabled === undefined ? {} : { enabled: change.enabled }),
    ...(change.type === undefined ? {} : { type: change.type }),
    ...(change.schedule === undefined ? {} : { schedule: change.schedule }),
    ...(change.time_zone === undefined ? {} : { timeZone: change.time_zone }),
    ...(databases ? { databases: Object.fromEntries(databases) } : {}),
    ...(change.retention
      ? { retention: { ...rules, ...(keep_last === undefined ? {} : { keepLast: keep_last }) } }
      : {}),
    ...(named ? { destinations: named } : {}),
  };
}

async function changeS3(context: ServerContext, change: Write, author: Author): Promise<void> {
  const { catalog, settings } = context;
  const { s3_destination: name, encryption_key } = change;
  const { access_key_id, secret_access_key, ...place } = change.s3!;
  if (place.endpoint !== undefined) await refuseEndpoint(context, place.endpoint);
  const before = await findDocument(catalog.db, 'destination', name);
  if (before && encryption_key !== undefined) {
    throw new HoldfastError('in_use', `the destination ${name} has a key already`, {
      next: 'holdfast key rotate changes the key of a repository that holds backups',
    });
  }
  const keep = async (what: string, text: string | undefined) =>
    text === undefined ? undefined : { file: await writeSecretFile(settings.home, `${name}-${what}`, text) };
  const accessKeyId = (await keep('access-key-id', access_key_id)) ?? before?.body.s3?.accessKeyId;
  const secretAccessKey =
    (await keep('secret-access-key', secret_access_key)) ?? before?.body.s3?.secretAccessKey;
  const current = await keep('encryption-key', encryption_key);
  const { keys, ...rest } = before?.body ?? ({} as Partial<DestinationConfig>);
  const body = {
    ...rest,
    address: s3Address(place),
    ...(accessKeyId && secretAccessKey ? { s3: { accessKeyId, secretAccessKey } } : {}),
    ...keysOf(keys, { ...change, current }),
  };
  await catalog.transaction((trx) =>
    writeDocument(trx, { kind: 'destination', name, body, replaces: before?.version ?? null }, author),
  );
  if (!before) await initDestination(context, name, new AbortController().signal);
}

async function changeKeyId({ catalog }: ServerContext, change: Write, author: Author): Promise<void> {
  const { s3_destination: name } = change;
  const before = await findDocument(catalog.db, 'destination', name);
  if (!before) {
    throw new HoldfastError('document_unknown', `there is no destination ${name}`, {
      next: 'name the destination in s3_destination',
    });
  }
  const { keys, ...rest } = before.body;
  const body = { ...rest, ...keysOf(keys, change) };
  await catalog.transaction((trx) =>
    writeDocument(trx, { kind: 'destination', name, body, replaces: before.version }, author),
  );
}

type Keys = NonNullable<DestinationConfig['keys']>;

function keysOf(
  before: Keys | undefined,
  change: Pick<Write, 'encryption_key_id'> & { readonly current?: Keys['current'] },
): { keys?: Keys } {
  const { encryptionKeyId, ...rest } = { ...before };
  const id = change.encryption_key_id === undefined ? encryptionKeyId : change.encryption_key_id;
  const keys: Keys = {
    ...rest,
    ...(change.current ? { current: change.current } : {}),
    ...(id ? { encryptionKeyId: id } : {}),
  };
  return Object.keys(keys).length > 0 ? { keys } : {};
}
