/** The keys that open each repository, and the recovery kit. People only: a key added by a stolen token would outlive it. */
import { answers, nothing } from '../../../contracts/api/common.ts';
import { nameParam } from '../../../contracts/api/configuration.ts';
import { keyAdd, keySlotId, keySlots, kitRequest, kitState, slotParam } from '../../../contracts/api/keys.ts';
import {
  type Engine,
  HoldfastError,
  isWeakPassphrase,
  newestKit,
  openEngine,
  readKitRecord,
  silentProgress,
} from '../../../engine/index.ts';
import { TAKEN_OVER } from '../../configuration/author.ts';
import { listDocuments, requireDocument, storedConfig } from '../../configuration/documents.ts';
import type { App, ServerContext } from '../context.ts';
import { whileWaiting } from '../copies.ts';
import { attachment } from '../download.ts';
import { kitZip } from '../kit-zip.ts';
import { RequestProblem } from '../problem.ts';

const READS = { permission: 'keys:generate' } as const;
const CHANGES = { ...READS, dangerous: true, peopleOnly: true } as const;

export function addKeyRoutes(app: App, context: ServerContext): void {
  addKit(app, context);
  addSlots(app, context);
}

function addKit(app: App, context: ServerContext): void {
  const { catalog } = context;
  const tags = ['keys'];
  app.route({
    method: 'GET',
    url: '/api/v1/kit',
    config: { access: READS },
    schema: { tags, summary: 'When a recovery kit was last made here', response: answers(kitState) },
    handler: async () => {
      const madeAt = await newestKit(context.workplace.evidence.stateFolder);
      const destinations = await listDocuments(catalog.db, 'destination');
      const backup = await catalog.db.selectFrom('backups').select('id').limit(1).executeTakeFirst();
      // A server that came back from a backup has a past, also before its backups were found again.
      const isNew = destinations.some(({ updatedBy }) => updatedBy !== TAKEN_OVER);
      const first = madeAt === null && isNew && backup === undefined;
      return { made_at: madeAt, destinations: destinations.length, first };
    },
  });
  app.route({
    method: 'POST',
    url: '/api/v1/kit',
    config: { access: CHANGES },
    schema: {
      tags,
      summary: 'The recovery kit as a zip file: what opens the backups on a machine without Holdfast',
      body: kitRequest,
      produces: ['application/zip'],
    },
    handler: async (request, reply) => {
      const { passphrase = null } = request.body;
      request.about = { key: passphrase === null ? 'none' : 'wrapped' };
      const { name, bytes } = await kitZip(context, passphrase);
      return reply
        .type('application/zip')
        .header('content-disposition', attachment(name))
        .header('x-content-type-options', 'nosniff')
        .serializer((value: unknown) => value as never)
        .send(bytes);
    },
  });
}

function addSlots(app: App, context: ServerContext): void {
  const tags = ['keys'];
  const url = '/api/v1/destinations/:name/keys';
  app.route({
    method: 'GET',
    url,
    config: { access: READS },
    schema: {
      tags,
      summary: 'Every key that opens a repository',
      params: nameParam,
      response: answers(keySlots),
    },
    handler: async (request, reply) =>
      whileWaiting(reply, (signal) => atRepository(context, request.params.name, signal, slotsOf(context))),
  });
  app.route({
    method: 'POST',
    url,
    config: { access: CHANGES },
    schema: {
      tags,
      summary: 'Let another key open a repository',
      params: nameParam,
      body: keyAdd,
      response: answers(keySlotId, 201),
    },
    handler: async (request, reply) => {
      const { key, label } = request.body;
      refuseWeak(key);
      const { name } = request.params;
      const { slotId } = await atRepository(context, name, limit(), (engine) => engine.addKey(key, label));
      request.about = { slot: slotId };
      return reply.code(201).send({ slot_id: slotId });
    },
  });
  app.route({
    method: 'DELETE',
    url: `${url}/:slot`,
    config: { access: CHANGES },
    schema: {
      tags,
      summary: 'Stop a key from opening a repository; copies of what it could read before stay readable',
      params: slotParam,
      response: answers(nothing),
    },
    handler: async (request) => {
      const { name, slot } = request.params;
      await atRepository(context, name, limit(), (engine) => retire(engine, slot));
      return {};
    },
  });
}

const limit = () => AbortSignal.timeout(120_000);

/** Throws `document_unknown`, and what opening a destination and the work throw. */
async function atRepository<T>(
  { catalog, workplace }: ServerContext,
  name: string,
  signal: AbortSignal,
  work: (engine: Engine) => Promise<T>,
): Promise<T> {
  await requireDocument(catalog.db, 'destination', name);
  const spec = await workplace.destination(await storedConfig(catalog.db), name);
  const engine = await openEngine({ ...(await spec.options()), progress: silentProgress, signal });
  try {
    return await work(engine);
  } finally {
    await engine.close();
  }
}

const slotsOf =
  ({ workplace }: ServerContext) =>
  async (engine: Engine) => {
    const slots = await engine.listKeys();
    const own = new Set(await engine.ownSlots());
    const kit = await readKitRecord(workplace.evidence.stateFolder, engine.repositoryId);
    return {
      items: slots.map(({ slotId, keyId, createdAt, label, kind, current, epoch, intact }) => ({
        ...{ slot_id: slotId, key_id: keyId, created_at: createdAt },
        ...{ label, kind, current, epoch, intact, in_use: own.has(slotId) },
      })),
      kit: {
        made_at: kit?.madeAt ?? null,
        complete: slots.every(({ slotId, current }) => !current || kit?.slotIds.includes(slotId)),
      },
    };
  };

/** Whoever guesses it later opens every backup. A key in a service is a matter of the command line, which has its login. */
function refuseWeak(key: string): void {
  const isReference = /^(aws-kms|vault-transit):/i.test(key.trim());
  const why = isReference ? 'is a key in a service: holdfast key add takes it' : isWeakPassphrase(key);
  if (why !== null) throw new RequestProblem([{ field: 'key', message: why }]);
}

/** Throws `in_use` for what the server itself opens the repository with: no run would end well after that. */
async function retire(engine: Engine, slot: string): Promise<void> {
  if ((await engine.ownSlots()).includes(slot)) {
    throw new HoldfastError('in_use', `the server opens the repository with the key of slot ${slot}`, {
      next: 'give the server another key first',
    });
  }
  await engine.retireKey(slot);
}
