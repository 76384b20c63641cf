/** Looking into backups, comparing them, and what retention makes of them. */
import {
  compareQuery,
  comparison,
  backupContent as contentSchema,
  deleteQuery,
  fileQuery,
  previewRequest,
  retentionPreview as previewSchema,
  treePage,
  treeQuery,
} from '../../../contracts/api/backup-content.ts';
import { answers } from '../../../contracts/api/common.ts';
import { nameParam } from '../../../contracts/api/configuration.ts';
import { copiesChanged } from '../../../contracts/api/maintenance.ts';
import { backupParam } from '../../../contracts/api/runs.ts';
import { requireDocument } from '../../configuration/documents.ts';
import { archiveBackup } from '../archive-backup.ts';
import { compared } from '../backup-compare.ts';
import { backupContent, treeOf } from '../backup-content.ts';
import type { App, ServerContext } from '../context.ts';
import { forgetDownloads, sendFile } from '../download.ts';
import { retentionPreview } from '../retention-preview.ts';
import type { TenantOf } from '../route-access.ts';
import { tenantOfBackup } from './shared.ts';

const READ = { permission: 'backups:read', tenant: tenantOfBackup } as const;

const tenantOfPlan: TenantOf = async (request, { catalog }) =>
  (await requireDocument(catalog.db, 'plan', (request.params as { name: string }).name)).tenantId;

export function addContentRoutes(app: App, context: ServerContext): void {
  const tags = ['backups'];
  app.addHook('onReady', () => forgetDownloads(context));
  app.route({
    method: 'GET',
    url: '/api/v1/backups/:id',
    config: { access: READ },
    schema: {
      tags,
      summary: 'One backup: what it holds, where it lies, what holds and proves it',
      params: backupParam,
      response: answers(contentSchema),
    },
    handler: async (request, reply) => backupContent(context, reply, request.params.id),
  });
  app.route({
    method: 'GET',
    url: '/api/v1/backups/:id/tree',
    config: { access: READ, recorded: true },
    schema: {
      tags,
      summary: 'A folder of a file tree by pages, or names that are found below it',
      params: backupParam,
      querystring: treeQuery,
      response: answers(treePage),
    },
    handler: async (request, reply) => {
      const { artifact, path, search } = request.query;
      request.about = { artifact, path, ...(search === undefined ? {} : { search }) };
      return treeOf(context, reply, request.params.id, request.query);
    },
  });
  app.route({
    method: 'GET',
    url: '/api/v1/backups/:id/file',
    config: {
      access: { permission: 'backups:download', tenant: tenantOfBackup, dangerous: true },
      recorded: true,
    },
    schema: {
      tags,
      summary: 'One file of a backup',
      description: 'Links are not followed. Owner, mode and times are those of a restore, not of a download.',
      params: backupParam,
      querystring: fileQuery,
      produces: ['application/octet-stream'],
    },
    handler: async (request, reply) => {
      request.about = { ...request.query };
      return sendFile(context, reply, request.params.id, request.query);
    },
  });
  app.route({
    method: 'GET',
    url: '/api/v1/backups/:id/compare',
    config: { access: READ, recorded: true },
    schema: {
      tags,
      summary: 'What changed since another backup: artifacts, rows of tables, paths of a tree',
      params: backupParam,
      querystring: compareQuery,
      response: answers(comparison),
    },
    handler: async (request, reply) => {
      const { with: other, artifact } = request.query;
      request.about = { ...(other && { with: other }), ...(artifact && { artifact }) };
      return compared(context, request, reply, request.params.id, request.query);
    },
  });
  app.route({
    method: 'DELETE',
    url: '/api/v1/backups/:id',
    config: { access: { permission: 'backups:delete', tenant: tenantOfBackup, dangerous: true } },
    schema: {
      tags,
      summary: 'Move a backup to the archive, everywhere; for 30 days it can be brought back',
      params: backupParam,
      querystring: deleteQuery,
      response: answers(copiesChanged),
    },
    handler: async (request) => archiveBackup(context, request.params.id, request.query.last_good === 'true'),
  });
  addPreview(app, context);
}

function addPreview(app: App, context: ServerContext): void {
  const described = {
    tags: ['backups'],
    params: nameParam,
    response: answers(previewSchema),
  };
  const url = '/api/v1/plans/:name/retention-preview';
  const access = { permission: 'backups:read', tenant: tenantOfPlan } as const;
  app.route({
    method: 'GET',
    url,
    config: { access },
    schema: { ...described, summary: 'What retention would keep and archive now, and why' },
    handler: async (request, reply) => retentionPreview(context, request, reply, request.params.name, null),
  });
  app.route({
    method: 'POST',
    url,
    config: { access },
    schema: { ...described, summary: 'The same with other rules; nothing is changed', body: previewRequest },
    handler: async (request, reply) =>
      retentionPreview(context, request, reply, request.params.name, request.body),
  });
}
