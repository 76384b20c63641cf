/** Configuration as code, over HTTP: the same as `holdfast config export | diff | apply`. */
import type { FastifyRequest } from 'fastify';
import { answers } from '../../../contracts/api/common.ts';
import {
  configurationApply,
  configurationDiff,
  configurationText,
} from '../../../contracts/api/configuration.ts';
import type { Config } from '../../../contracts/config.ts';
import { parseConfig, problem } from '../../../contracts/config-file.ts';
import { HoldfastError } from '../../../engine/index.ts';
import { isAllowed } from '../../access/identity.ts';
import type { Permission } from '../../access/permissions.ts';
import { applyFile } from '../../configuration-file/apply-file.ts';
import { brokenSchedules } from '../../configuration-file/broken-schedules.ts';
import { exportFile } from '../../configuration-file/export-file.ts';
import type { FileChange } from '../../configuration-file/file-change.ts';
import { planChanges } from '../../configuration-file/plan-changes.ts';
import { initDestination } from '../../worker/init-destination.ts';
import { type App, authorOf, identityOf, type ServerContext } from '../context.ts';
import { RequestProblem } from '../problem.ts';
import { redact } from '../redact.ts';

const URL = '/api/v1/configuration';

export function addConfigurationRoutes(app: App, context: ServerContext): void {
  const { catalog, schedule } = context;
  const tags = ['configuration'];
  app.route({
    method: 'GET',
    url: URL,
    config: { access: { permission: 'plans:read' } },
    schema: { tags, summary: 'Everything stored, as a holdfast.yaml', produces: ['application/yaml'] },
    handler: async (request, reply) => {
      requireAll(request, READS);
      return reply
        .type('application/yaml')
        .serializer((value: unknown) => value as never)
        .send(await exportFile(catalog.db));
    },
  });
  app.route({
    method: 'POST',
    url: `${URL}/diff`,
    config: { access: { permission: 'plans:read' } },
    schema: {
      tags,
      summary: 'What applying a file would change, and what was changed elsewhere',
      body: configurationText,
      response: answers(configurationDiff),
    },
    handler: async (request) => {
      requireAll(request, READS);
      return diffPayload(await planChanges(catalog.db, configOf(request.body.yaml)), false);
    },
  });
  app.route({
    method: 'POST',
    url: `${URL}/apply`,
    config: { access: { permission: 'plans:write', dangerous: true } },
    schema: {
      tags,
      summary: 'Make the catalog what the file says; changes made elsewhere are shown and not overwritten',
      body: configurationApply,
      response: answers(configurationDiff),
    },
    handler: async (request) => {
      const { yaml, overwrite, dry_run } = request.body;
      requireAll(request, READS);
      const config = configOf(yaml);
      if (dry_run) return diffPayload(await planChanges(catalog.db, config), false);
      const author = authorOf(request, context);
      const done = await applyFile(catalog, config, new Set(overwrite), author, async (_trx, changes) =>
        requireAll(request, writesOf(changes)),
      );
      schedule.wake();
      return { ...diffPayload(done, true), warnings: await makeRepositories(context, done) };
    },
  });
}

/** A token may have one without the others, and a file shows all of it. */
const READS = ['plans:read', 'settings:read', 'tenants:read', 'notices:read'] as const;

const WRITE_OF = {
  ...{ plan: 'plans:write', source: 'plans:write', destination: 'plans:write', channel: 'notices:write' },
  ...{ setting: 'settings:write', tenant: 'tenants:write' },
} as const satisfies { readonly [kind in FileChange['kind']]: Permission };

const writesOf = (changes: readonly FileChange[]): readonly Permission[] => [
  ...new Set(changes.filter(({ change }) => change !== 'keep').map(({ kind }) => WRITE_OF[kind])),
];

/** Throws `not_permitted` naming the first that is not there. */
function requireAll(request: FastifyRequest, permissions: readonly Permission[]): void {
  const missing = permissions.find((one) => !isAllowed(identityOf(request), one, null));
  if (missing) throw new HoldfastError('not_permitted', `this needs the permission ${missing}`);
}

/** Of new destinations, as `holdfast config apply` does; gives why it could not be done. What was applied stays applied. */
async function makeRepositories(context: ServerContext, done: readonly FileChange[]): Promise<string[]> {
  const warnings: string[] = [];
  for (const { kind, name, change } of done) {
    if (kind !== 'destination' || change !== 'create') continue;
    await initDestination(context, name, AbortSignal.timeout(120_000)).catch((error: Error) =>
      warnings.push(`the repository of ${name} was not made: ${redact(error.message)}`),
    );
  }
  return warnings;
}

/** Throws `config_invalid` with line and column of what is malformed or not valid. */
function configOf(yaml: string): Config {
  const result = parseConfig(yaml);
  const problems =
    'problems' in result
      ? result.problems
      : brokenSchedules(result.config).map(({ path, message }) => problem(path, message, result.placeOf));
  if ('config' in result && problems.length === 0) return result.config;
  throw new RequestProblem(problems, 'config_invalid');
}

export function diffPayload(changes: readonly FileChange[], applied: boolean) {
  return {
    changes: changes.map(({ kind, name, change, version, conflict, changedBy, fields }) => ({
      ...{ kind, name, change, version, conflict, changed_by: changedBy },
      fields: [...fields],
    })),
    conflicts: changes.filter(({ conflict }) => conflict).length,
    applied,
    warnings: [] as string[],
  };
}
