import type { TestContext } from 'node:test';
import { openCatalog } from '../../src/server/catalog/catalog.ts';
import { type NewEvent, recordEvent } from '../../src/server/catalog/events.ts';
import type { Catalog } from '../../src/server/catalog/types.ts';
import { writeDocument } from '../../src/server/configuration/documents.ts';
import { type Notices, type NoticesOptions, openNotices } from '../../src/server/notices/notices.ts';
import { outboundPolicy } from '../../src/server/outbound/index.ts';
import type { CatalogPlace } from './catalogs.ts';
import { type FakeClock, fakeClock } from './fake-clock.ts';

export const SECRETS = {
  HOOK_SECRET: 'canary-webhook-secret-91c4',
  PING_URL_KEY: 'canary-ping-key-55aa',
  SMTP_PASSWORD: 'canary-smtp-password-7f3a',
};

export interface NoticeWorld {
  readonly clock: FakeClock;
  readonly catalog: Catalog;
  readonly notices: Notices;
  /** Another process on the same catalog. */
  another(
    options?: Partial<NoticesOptions>,
  ): Promise<{ readonly catalog: Catalog; readonly notices: Notices }>;
  /** Creates a channel, or replaces version `replaces`. */
  channel(name: string, body: object, options?: { tenantId?: string; replaces?: number }): Promise<void>;
  event(kind: NewEvent['kind'], given?: Partial<NewEvent>): Promise<string>;
}

export const CHANNEL_SECRET = { env: 'HOOK_SECRET' };

/** Notices on a fresh catalog, on a clock that stands still; this machine may be connected to. */
export async function noticeWorld(
  place: CatalogPlace,
  t: TestContext,
  options: Partial<NoticesOptions> = {},
): Promise<NoticeWorld> {
  const clock = fakeClock(Date.parse('2026-11-21T10:00:00.000Z'));
  const address = await place.address(t);
  const another: NoticeWorld['another'] = async (own = {}) => {
    const catalog = await openCatalog(address, { clock, connections: 4 });
    const notices = openNotices({
      catalog,
      secrets: { environment: SECRETS, folder: '/nowhere' },
      outbound: { policy: outboundPolicy(['127.0.0.1']) },
      publicUrl: null,
      random: () => 0.5,
      onError: (error) => {
        throw error;
      },
      ...options,
      ...own,
    });
    t.after(async () => {
      await notices.stop();
      await catalog.close();
    });
    return { catalog, notices };
  };
  const { catalog, notices } = await another();
  return {
    ...{ clock, catalog, notices, another },
    async channel(name, body, { tenantId, replaces } = {}) {
      const author = { origin: 'api', name: null, atMs: clock.nowMs() } as const;
      const write = {
        kind: 'channel',
        name,
        body,
        tenantId: tenantId ?? null,
        replaces: replaces ?? null,
      } as const;
      await catalog.transaction((trx) => writeDocument(trx, write, author));
    },
    async event(kind, given = {}) {
      const event = { kind, atMs: clock.nowMs(), tenantId: null, data: {}, ...given };
      return (await catalog.transaction((trx) => recordEvent(trx, event)))!;
    },
  };
}
