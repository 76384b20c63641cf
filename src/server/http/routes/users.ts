import { userChange, userCreate, user as userSchema } from '../../../contracts/api/access.ts';
import { answers, listOf, nothing } from '../../../contracts/api/common.ts';
import { jobParam as idParam } from '../../../contracts/api/runs.ts';
import { HoldfastError } from '../../../engine/index.ts';
import type { Identity } from '../../access/identity.ts';
import { hashPassword, refuseWeakPassword } from '../../access/passwords.ts';
import { mayGive } from '../../access/permissions.ts';
import { endSessionsOf } from '../../access/sessions.ts';
import {
  insertUser,
  listUsers,
  newUserRow,
  requireUser,
  setTenantRoles,
  type UserRow,
  userOf,
} from '../../access/users.ts';
import { type App, identityOf, type ServerContext } from '../context.ts';
import { userPayload } from '../payloads.ts';
import { removeSecondFactor } from './second-factor.ts';

const READ = { permission: 'users:read' } as const;
const WRITE = { permission: 'users:write', dangerous: true, peopleOnly: true } as const;

export function addUserRoutes(app: App, { catalog }: ServerContext): void {
  const tags = ['access'];
  app.route({
    method: 'GET',
    url: '/api/v1/users',
    config: { access: READ },
    schema: { tags, summary: 'All users', response: answers(listOf(userSchema)) },
    handler: async () => ({ items: (await listUsers(catalog.db)).map(userPayload) }),
  });
  app.route({
    method: 'POST',
    url: '/api/v1/users',
    config: { access: WRITE },
    schema: { tags, summary: 'Create a user', body: userCreate, response: answers(userSchema, 201) },
    handler: async (request, reply) => {
      const { name, password, role, tenant_roles } = request.body;
      refuseBeyond(identityOf(request), role);
      const row = await newUserRow({ name, password, role }, catalog.clock.nowMs());
      await catalog.transaction((trx) => insertUser(trx, row, tenant_roles));
      return reply.code(201).send(userPayload(await userOf(catalog.db, row)));
    },
  });
  app.route({
    method: 'PATCH',
    url: '/api/v1/users/:id',
    config: { access: WRITE },
    schema: {
      tags,
      summary: 'Change a user',
      params: idParam,
      body: userChange,
      response: answers(userSchema),
    },
    handler: async (request) => {
      const { id } = request.params;
      const change = request.body;
      const user = await requireChangeable(identityOf(request), await requireUser(catalog.db, id));
      if (change.role !== undefined) refuseBeyond(identityOf(request), change.role);
      if (change.password !== undefined) refuseWeakPassword(change.password, user.name);
      const hash = change.password === undefined ? null : await hashPassword(change.password);
      const nowMs = catalog.clock.nowMs();
      await catalog.transaction(async (trx) => {
        const columns = {
          ...(change.role === undefined ? {} : { role: change.role }),
          ...(hash === null ? {} : { password_hash: hash }),
          ...(change.disabled === undefined ? {} : { disabled_at: change.disabled ? nowMs : null }),
        };
        if (Object.keys(columns).length > 0) {
          await trx.updateTable('users').set(columns).where('id', '=', id).execute();
        }
        if (change.tenant_roles) await setTenantRoles(trx, id, change.tenant_roles);
        if (change.reset_second_factor) await removeSecondFactor(trx, id);
        if (hash !== null || change.disabled || change.reset_second_factor) await endSessionsOf(trx, id);
      });
      return userPayload(await userOf(catalog.db, await requireUser(catalog.db, id)));
    },
  });
  app.route({
    method: 'DELETE',
    url: '/api/v1/users/:id',
    config: { access: WRITE },
    schema: {
      tags,
      summary: 'Delete a user with sessions and tokens',
      params: idParam,
      response: answers(nothing),
    },
    handler: async (request) => {
      const { id } = request.params;
      await requireChangeable(identityOf(request), await requireUser(catalog.db, id));
      await catalog.db.deleteFrom('users').where('id', '=', id).execute();
      return {};
    },
  });
}

/** Nobody gives more than they have. */
function refuseBeyond(identity: Identity, role: UserRow['role']): void {
  if (!mayGive(identity.role, role))
    throw new HoldfastError('not_permitted', `the role ${role} is not yours to give`);
}

/** The owner changes only themselves, by /api/v1/session; nobody changes themselves here. */
async function requireChangeable(identity: Identity, user: UserRow): Promise<UserRow> {
  if (user.role === 'owner') throw new HoldfastError('not_permitted', 'the owner cannot be changed here');
  if (user.id === identity.userId)
    throw new HoldfastError('not_permitted', 'you cannot change yourself here');
  return user;
}
