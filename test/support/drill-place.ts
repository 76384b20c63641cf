/** A server with a plan that is drilled, and what is asked of it again and again. */
import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import type { HttpClient } from './http-client.ts';
import { type HttpWorld, httpWorld } from './http-world.ts';

export interface DrillPlace {
  readonly world: HttpWorld;
  readonly owner: HttpClient;
  /** Where drills have their folders. */
  readonly drills: string;
  /** Changes the stored plan. */
  plan(more: object, drill?: object): Promise<void>;
  backUp(): Promise<string>;
  /** Asks for a drill and waits for the end of its job. */
  // biome-ignore lint/suspicious/noExplicitAny: as the API gives it
  drill(body?: object): Promise<any>;
}

/** A server with a plan that is drilled, without a backup yet. */
export async function drillPlace(t: TestContext): Promise<DrillPlace> {
  const world = await httpWorld(t);
  const owner = await world.owner();
  await world.withPlan(owner);
  const drills = join(world.folder, 'drills');
  await mkdir(drills);
  const plan: DrillPlace['plan'] = async (more, drill = {}) => {
    const { version } = (await owner.get('/api/v1/plans/nightly')).json;
    const body = {
      ...{ sources: ['app', 'uploads'], destination: 'main' },
      ...{ ...more, drill: { folder: drills, ...drill } },
    };
    const { status, text } = await owner.send('PUT', '/api/v1/plans/nightly', { body: { body, version } });
    assert.equal(status, 200, text);
  };
  const ended = async (path: string, body: object) => {
    const { status, json, text } = await owner.post(path, body);
    assert.equal(status, 202, text);
    return world.ended(owner, json.job_id);
  };
  await plan({});
  return {
    ...{ world, owner, drills, plan },
    backUp: async () => (await ended('/api/v1/plans/nightly/run', {})).result.backups[0].backupId,
    drill: (body = { plan: 'nightly' }) => ended('/api/v1/drills', body),
  };
}

export const drillEvents = async ({ catalog }: HttpWorld) =>
  (await catalog.db.selectFrom('events').selectAll().orderBy('id').execute()).filter(({ kind }) =>
    kind.startsWith('drill'),
  );

export const planOf = async ({ owner }: DrillPlace) =>
  (await owner.get('/api/v1/drills/plans')).json.items[0];
export const evidenceBesideBackups = ({ world }: DrillPlace) => {
  const folder = join(world.folder, 'main');
  return readdirSync(folder, { recursive: true }).filter((name) => String(name).includes('evidence/')).length;
};
