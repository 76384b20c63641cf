import type { DocumentKind } from '../api/queries.ts';
import type { TextKey } from '../texts/texts.ts';
import type { Body } from './nested-field.ts';

export type { Body } from './nested-field.ts';

/** What a new document begins with, by its kind. */
export const FIRST_BODY: Readonly<Record<DocumentKind, Body>> = {
  plans: { sources: [], destinations: [], type: 'full', schedule: '0 3 * * *', timeZone: 'UTC' },
  sources: { kind: 'sqlite', path: '' },
  destinations: { address: '' },
  channels: { kind: 'webhook', url: '', secret: { env: '' } },
};

export const TITLES: Readonly<Record<DocumentKind, { title: TextKey; text: TextKey; create: TextKey }>> = {
  plans: { title: 'nav.plans', text: 'plans.text', create: 'plans.create' },
  sources: { title: 'nav.sources', text: 'sources.text', create: 'sources.create' },
  destinations: { title: 'nav.destinations', text: 'destinations.text', create: 'destinations.create' },
  channels: { title: 'nav.channels', text: 'channels.text', create: 'channels.create' },
};

/** Whether a source of that kind is one database. */
export const isDatabase = (kind: unknown) => kind === 'sqlite' || kind === 'postgres';

/** One line that tells documents of a kind apart. */
export function summaryOf(kind: DocumentKind, body: Body): string {
  if (kind === 'destinations') return String(body.address ?? '');
  if (kind === 'channels') return `${body.kind}: ${receiverOf(body)}`;
  if (kind === 'sources') {
    const place = body.path ?? body.paths ?? body.url ?? body.urlEnv ?? body.command ?? '';
    const database = body.database === undefined ? '' : `, ${body.database}`;
    return `${body.kind}: ${Array.isArray(place) ? place.join(', ') : String(place)}${database}`;
  }
  const targets = body.destinations ?? (body.destination ? [body.destination] : []);
  const names = (targets as (string | { name: string })[]).map((one) =>
    typeof one === 'string' ? one : one.name,
  );
  return `${(body.sources as string[]).join(', ')}${names.length > 0 ? ` → ${names.join(', ')}` : ''}`;
}

/** Whom a channel tells. Of an address that is a secret, the name of its variable. */
function receiverOf({ kind, to, url }: Body): string {
  if (kind === 'email') return (to as string[]).join(', ');
  if (typeof url === 'string') return url;
  const { env, file } = url as { env?: string; file?: string };
  return env ?? file ?? '';
}

/** With a field changed; without it when the value is empty. */
export function withField(body: Body, field: string, value: unknown): Body {
  const { [field]: _, ...rest } = body;
  return value === undefined || value === '' ? rest : { ...body, [field]: value };
}
