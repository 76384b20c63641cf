import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { z } from 'zod';
import { apiDescription } from '../../src/server/http/api-description.ts';
import { OPEN_ROUTES } from '../../src/server/http/open-routes.ts';
import { httpWorld } from '../support/http-world.ts';
import { openApiGrammar } from '../support/open-api-grammar.ts';

interface Operation {
  readonly operationId: string;
  readonly security: readonly object[];
  readonly parameters?: readonly {
    readonly name: string;
    readonly in: string;
    readonly required?: boolean;
  }[];
  readonly responses: Readonly<
    Record<string, { readonly content?: Record<string, { readonly schema: object }> }>
  >;
}

interface Description {
  readonly openapi: string;
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
}

const description = (await apiDescription()) as Description;
const operations = Object.entries(description.paths).flatMap(([path, methods]) =>
  Object.entries(methods).map(([method, operation]) => ({ path, method, ...operation })),
);

test('docs/openapi.json is current (npm run docs)', () => {
  const stored = readFileSync(new URL('../../docs/openapi.json', import.meta.url), 'utf8');
  assert.deepEqual(JSON.parse(stored), JSON.parse(JSON.stringify(description)));
});

test('the description is whole: ids are unique, parameters are declared, references lead somewhere', () => {
  assert.equal(description.openapi, '3.1.0');
  const ids = operations.map(({ operationId }) => operationId);
  assert.equal(new Set(ids).size, ids.length);
  for (const { path, method, parameters = [], responses } of operations) {
    const named = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name).sort();
    const declared = parameters
      .filter((one) => one.in === 'path')
      .map(({ name }) => name)
      .sort();
    assert.deepEqual(declared, named, `${method} ${path}`);
    assert.ok(Object.keys(responses).length > 0, path);
  }
  const text = JSON.stringify(description);
  for (const [, pointer] of text.matchAll(/"\$ref":"#\/([^"]+)"/g)) {
    const found = pointer!
      .split('/')
      .reduce<unknown>((at, key) => (at as Record<string, unknown>)?.[key], description);
    assert.ok(found, pointer);
  }
});

test('the description is OpenAPI 3.1, and what is not is noticed (control)', () => {
  const stored = JSON.parse(JSON.stringify(description));
  const result = openApiGrammar.safeParse(stored);
  assert.ok(result.success, result.error && z.prettifyError(result.error));
  const plans = '/api/v1/plans/{name}';
  const breaks: readonly [string, (broken: typeof stored) => void][] = [
    ['an unknown field', (broken) => (broken.paths[plans].get.responces = {})],
    [
      'an optional parameter of the path',
      (broken) => (broken.paths[plans].get.parameters[0].required = false),
    ],
    ['a keyword that is none', (broken) => (broken.components.schemas.Odd = { typ: 'string' })],
    [
      'a type that is none',
      (broken) => (broken.components.schemas.Odd = { properties: { a: { type: 'text' } } }),
    ],
    ['a body of a GET', (broken) => (broken.paths[plans].get.requestBody = { content: {} })],
    ['a tag that is declared nowhere', (broken) => broken.paths[plans].get.tags.push('nothing')],
    ['a login that is declared nowhere', (broken) => broken.paths[plans].get.security.push({ magic: [] })],
    ['no description of an answer', (broken) => (broken.paths[plans].get.responses['200'] = {})],
  ];
  for (const [what, damage] of breaks) {
    const broken = structuredClone(stored);
    damage(broken);
    assert.equal(openApiGrammar.safeParse(broken).success, false, what);
  }
});

test('every route of features.md section A is described, and who needs to be known says so', () => {
  const promised = [
    ...['get /api/admin/backups/config', 'put /api/admin/backups/config', 'get /api/admin/backups'],
    ...[
      'post /api/admin/backups/trigger',
      'get /api/admin/backups/triggers',
      'post /api/admin/backups/test-s3',
    ],
    ...['get /api/admin/backups/{id}/download', 'post /api/admin/backups/generate-encryption-key'],
    ...['post /api/setup/restore/upload', 'post /api/setup/restore/s3'],
    ...['post /functions/v1/backup-trigger/trigger', 'get /functions/v1/backup-trigger/history'],
    ...['get /functions/v1/backup-trigger/settings', 'post /functions/v1/backup-trigger/settings'],
    ...['post /functions/v1/backup-trigger/test-upload', 'get /functions/v1/backup-trigger/health'],
  ];
  const described = operations.map(({ method, path }) => `${method} ${path}`);
  assert.deepEqual(
    promised.filter((one) => !described.includes(one)),
    [],
  );
  for (const { method, path, security } of operations) {
    const isOpen = OPEN_ROUTES.has(`${method.toUpperCase()} ${path.replaceAll(/\{(\w+)\}/g, ':$1')}`);
    assert.equal(security.length === 0, isOpen, `${method} ${path}`);
  }
});

test('a client made from the description works: every list answers as its schema says', async (t) => {
  const world = await httpWorld(t);
  const owner = await world.owner();
  await world.withPlan(owner);
  const { json } = await owner.post('/api/v1/plans/nightly/run');
  await world.ended(owner, json.job_id);
  const served = (await owner.get('/api/openapi.json')).json as Description;
  let looked = 0;
  for (const [path, { get }] of Object.entries(served.paths)) {
    const schema = get?.responses['200']?.content?.['application/json']?.schema;
    if (!schema || path.includes('{')) continue;
    const answer = await owner.get(path);
    assert.equal(answer.status, 200, path);
    const result = z.fromJSONSchema(schema as never).safeParse(answer.json);
    assert.ok(result.success, `${path}: ${result.error?.message} in ${answer.text}`);
    looked += 1;
  }
  assert.ok(looked >= 15, `${looked} were looked at`);
});
