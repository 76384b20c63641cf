/** What retention would do, destination by destination: the same answer that `holdfast rotate --dry-run` gives. */
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { z } from 'zod';
import type { previewRequest } from '../../contracts/api/backup-content.ts';
import { iso } from '../../contracts/api/common.ts';
import type { Config, PlanConfig } from '../../contracts/config.ts';
import { destinationsOf } from '../../contracts/config-destinations.ts';
import { asHoldfastError, HoldfastError, openEngine, silentProgress } from '../../engine/index.ts';
import { isAllowed } from '../access/identity.ts';
import { storedConfig } from '../configuration/documents.ts';
import { enginePlansOf, splitPlan, withParts } from '../worker/plan-config.ts';
import { runConfig } from '../worker/runner-parts.ts';
import { identityOf, type ServerContext } from './context.ts';
import { whileWaiting } from './copies.ts';
import { redact } from './redact.ts';

type Rules = z.output<typeof previewRequest>;

/**
 * With `rules`, as if the plan had those. Nothing is changed. Throws `plan_unknown`. A destination that is down is told. Backups of others,
 * from when the name of the plan was theirs, are shown to nobody who may not see them.
 */
export async function retentionPreview(
  context: ServerContext,
  request: FastifyRequest,
  reply: FastifyReply,
  name: string,
  rules: Rules | null,
) {
  const identity = identityOf(request);
  const config = await configWith(context, name, rules);
  const plan = config.plans[name];
  if (!plan) throw new HoldfastError('plan_unknown', `there is no plan ${name}`);
  return whileWaiting(reply, async (signal) => {
    const destinations = [];
    for (const { name: destination } of destinationsOf(config, plan)) {
      signal.throwIfAborted();
      const found = await decisionsAt(context, config, destination, enginePlansOf(name, plan), signal).then(
        (items) => ({
          items: items.filter(({ tenant_id }) => isAllowed(identity, 'backups:read', tenant_id)),
          error: null,
        }),
        (error: unknown) => {
          const { code, message, next } = asHoldfastError(error);
          if (code === 'internal') throw error;
          return { items: [], error: { code, message: redact(message), next } };
        },
      );
      const going = found.items.filter(({ action }) => action === 'remove').length;
      destinations.push({ destination, ...found, going, kept: found.items.length - going });
    }
    return { plan: name, destinations };
  });
}

async function configWith({ catalog }: ServerContext, name: string, rules: Rules | null): Promise<Config> {
  if (rules === null) return (await runConfig({ catalog })).config;
  const stored = await storedConfig(catalog.db);
  const plan = stored.plans[name];
  if (!plan) return stored;
  return withParts({ ...stored, plans: { ...stored.plans, [name]: planWith(plan, rules) } });
}

function planWith(plan: PlanConfig, { retention, destinations = {} }: Rules): PlanConfig {
  const own = plan.destinations ?? (plan.destination === undefined ? undefined : [plan.destination]);
  const changed = own?.map((one) => {
    const name = typeof one === 'string' ? one : one.name;
    return Object.hasOwn(destinations, name) ? { name, retention: destinations[name]! } : one;
  });
  return {
    ...plan,
    ...(retention === undefined ? {} : { retention }),
    ...(changed === undefined ? {} : { destination: undefined, destinations: changed }),
  };
}

async function decisionsAt(
  { workplace }: ServerContext,
  config: Config,
  destination: string,
  plans: readonly string[],
  signal: AbortSignal,
) {
  const spec = await workplace.destination(config, destination);
  const engine = await openEngine({ ...(await spec.options()), progress: silentProgress, signal });
  try {
    const items = [];
    for (const plan of plans) {
      const { decisions } = await engine.rotate({
        dryRun: true,
        plan,
        tenantId: null,
        rulesOf: spec.rulesOf,
      });
      for (const { backup, action, reasons } of decisions) {
        const { id, type, status, tenantId, timestampMs } = backup;
        items.push({
          ...{ id, timestamp: iso(timestampMs), part: splitPlan(backup.plan).part, tenant_id: tenantId },
          ...{ type, status, action, reasons: reasons.map(({ code, text }) => ({ code, text })) },
        });
      }
    }
    return items;
  } finally {
    await engine.close();
  }
}
