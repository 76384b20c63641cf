import { readFileSync } from 'node:fs';
import type { FastifySchema, RouteOptions } from 'fastify';
import { createJsonSchemaTransform } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { problem } from '../../contracts/api/common.ts';

/** What the description says about the whole interface. */
export function openApiFrame() {
  const { version } = JSON.parse(readFileSync(new URL('../../../package.json', import.meta.url), 'utf8')) as {
    version: string;
  };
  return {
    openapi: '3.1.0',
    info: {
      title: 'Holdfast',
      version,
      description:
        'Backup and recovery. Fields are in snake_case; the bodies of plans, sources and destinations are those of holdfast.yaml. Times are ISO 8601 in UTC. Errors are problem documents (RFC 9457) whose `code` is listed in docs/errors.md.',
    },
    tags: [...TAGS],
    components: {
      securitySchemes: {
        token: { type: 'http' as const, scheme: 'bearer', description: 'An API token, hft_…' },
        session: { type: 'apiKey' as const, in: 'cookie' as const, name: '__Host-holdfast' },
        setup: { type: 'http' as const, scheme: 'bearer', description: 'The setup token of the console' },
      },
    },
  };
}

const TAGS = [
  { name: 'setup', description: 'Before the server has an owner' },
  { name: 'session', description: 'Logging in, and what concerns oneself' },
  { name: 'access', description: 'Users and tokens' },
  { name: 'configuration', description: 'Plans, sources, destinations, settings, tenants' },
  { name: 'backups', description: 'Backups and restores' },
  { name: 'drills', description: 'Rehearsals of a recovery, and their evidence' },
  { name: 'jobs', description: 'What runs, ran, and is to run' },
  { name: 'administration', description: 'The interface of the backups page' },
  { name: 'functions', description: 'The interface by tenant and type' },
  { name: 'keys', description: 'Keys of repositories, and the recovery kit' },
  { name: 'ledger', description: 'What was done' },
  { name: 'notices', description: 'Who is told' },
  { name: 'server', description: 'About the server itself' },
];

const transform = createJsonSchemaTransform({ skipList: [] });
type Transform = typeof transform;

/** The schema of a route, with what it asks of its caller. */
export const describeRoute: Transform = (input) => {
  const described = transform(input);
  const { route } = input as { route: RouteOptions };
  const schema = described.schema as FastifySchema & Record<string, unknown>;
  if (schema.hide) return described;
  const method = [route.method].flat()[0]!.toLowerCase();
  return {
    ...described,
    schema: {
      ...schema,
      operationId: `${method}${route.url.replace(/[/:*.-]+(\w?)/g, (_, next: string) => next.toUpperCase())}`,
      security: securityOf(route),
      description: [schema.description, needsOf(route)].filter(Boolean).join('\n\n'),
    },
  };
};

function securityOf({ config }: RouteOptions): Record<string, string[]>[] {
  const access = config?.access;
  if (!access || 'open' in access) return [];
  if ('setup' in access) return [{ setup: [] }];
  return access.peopleOnly ? [{ session: [] }] : [{ session: [] }, { token: [] }];
}

function needsOf({ config }: RouteOptions): string {
  const access = config?.access;
  if (!access || 'open' in access) return 'Open to everybody.';
  if ('setup' in access) return 'Needs the setup token; closed once there is an owner.';
  const more = access.dangerous ? ', and with a session the password within the last 10 minutes' : '';
  return `Needs the permission \`${access.permission}\`${more}.`;
}

interface Operation {
  responses?: Record<string, { content?: Record<string, { schema: unknown }> }>;
}

/** Problems look alike everywhere, so the document says it once. */
export function withSharedProblem(document: object): never {
  const { openapiObject } = document as {
    openapiObject: {
      paths?: Record<string, Record<string, Operation>>;
      components?: Record<string, unknown>;
    };
  };
  const schema = z.toJSONSchema(problem, { target: 'draft-2020-12' }) as Record<string, unknown>;
  const { $schema: _, ...body } = schema;
  const content = { 'application/problem+json': { schema: body } };
  openapiObject.components = {
    ...openapiObject.components,
    responses: { Problem: { description: 'What is wrong, and what to do next', content } },
  };
  for (const { responses } of Object.values(openapiObject.paths ?? {}).flatMap((path) =>
    Object.values(path),
  )) {
    if (responses) responses.default = { $ref: '#/components/responses/Problem' } as never;
  }
  return openapiObject as never;
}
