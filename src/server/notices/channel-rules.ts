import type { ChannelConfig, ChannelRule } from '../../contracts/config-channels.ts';
import { isProblem, type NoticeKind, namesKind } from '../../contracts/notice-events.ts';
import type { StoredDocument } from '../configuration/documents.ts';

export type Channel = StoredDocument<'channel'>;

export interface NoticedEvent {
  readonly kind: NoticeKind;
  readonly plan: string | null;
  readonly tenantId: string | null;
}

/** How a rule calls what belongs to no tenant. */
const GLOBAL = 'global';

/** Whether a channel wants to hear of an event. One that belongs to a tenant hears of nobody else's. */
export function wantsEvent(
  { body, tenantId }: Pick<Channel, 'body' | 'tenantId'>,
  event: NoticedEvent,
): boolean {
  if (!body.enabled) return false;
  if (tenantId !== null && tenantId !== event.tenantId) return false;
  if (event.kind === 'backup_started' && body.kind === 'ping' && !body.start) return false;
  return (body.rules ?? [{}]).some((rule) => fits(rule, body.kind, event));
}

function fits({ events, plans, tenants }: ChannelRule, channel: ChannelConfig['kind'], event: NoticedEvent) {
  const isNamed = events?.some((word) => namesKind(word, event.kind)) ?? byDefault(channel, event.kind);
  if (!isNamed) return false;
  if (plans && (event.plan === null || !plans.includes(event.plan))) return false;
  return tenants === undefined || tenants.includes(event.tenantId ?? GLOBAL);
}

function byDefault(channel: ChannelConfig['kind'], kind: NoticeKind): boolean {
  switch (channel) {
    case 'webhook':
      return kind !== 'backup_started';
    case 'email':
      return isProblem(kind);
    case 'ping':
      return kind.startsWith('backup_') || kind === 'copy_missing';
  }
}
