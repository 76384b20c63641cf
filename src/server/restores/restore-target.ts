/** Where a restore goes: what a request names, as this machine reaches it. */
import { resolve } from 'node:path';
import type { Config } from '../../contracts/config.ts';
import { HoldfastError, type SourceSpec } from '../../engine/index.ts';
import type { Workplace } from '../worker/port.ts';

export type RestoreMode = 'beside' | 'replace' | 'safe';

/** An absolute path or a `postgres://` address with its password. Throws `source_missing` for what is neither a stored source nor an absolute path. */
export async function targetOf(
  { workplace }: { readonly workplace: Workplace },
  config: Config,
  to: string,
): Promise<string> {
  if (Object.hasOwn(config.sources, to)) return placeOf(await workplace.source(config, to), to);
  if (to.startsWith('/')) return resolve(to);
  throw new HoldfastError('source_missing', `${to} is neither a stored source nor an absolute path`);
}

function placeOf(source: SourceSpec, name: string): string {
  if (source.kind === 'sqlite') return source.path;
  if (source.kind === 'postgres') return source.url;
  if (source.kind === 'files' && source.paths.length === 1) return source.paths[0]!;
  throw new HoldfastError('source_missing', `the source ${name} has no single place to restore to`, {
    next: 'name a folder',
  });
}

export const isDatabase = (target: string) => /^postgres(ql)?:\/\//i.test(target);

/** As long as names of databases may be. */
const NAME_BYTES = 63;

const ADDRESS = /^(postgres(?:ql)?:\/\/)((?:[^/?#]*@)?)([^/?#]*)(?:\/([^?#]*))?((?:\?[^#]*)?)$/i;

/** The place beside a target: another database on the same server, or a sibling. `mark` keeps two of them apart. */
export function besideOf(target: string, mark: string): string {
  const ending = `_restored_${mark}`;
  const [, scheme = '', login = '', place = '', path = '', query = ''] = ADDRESS.exec(target) ?? [];
  if (scheme === '') return `${target.replace(/\/+$/, '')}${ending}`;
  let name = decodeURIComponent(path) || decodeURIComponent(login.split(/[:@]/)[0]!) || 'postgres';
  while (Buffer.byteLength(name) + ending.length > NAME_BYTES) name = [...name].slice(0, -1).join('');
  return `${scheme}${login}${place}/${encodeURIComponent(name + ending)}${query}`;
}

/** Without a password. */
export function publicTarget(target: string): string {
  const [, scheme = '', login = '', place = '', path = '', query = ''] = ADDRESS.exec(target) ?? [];
  if (scheme === '') return target;
  const hidden = query.replace(/([?&]\w*password=)[^&]*/gi, '$1***');
  return `${scheme}${login.replace(/:.*@$/, '@')}${place}/${path}${hidden}`;
}

/** Whether two addresses name the same database, whoever logs in. */
export function isSameDatabase(one: string, other: string): boolean {
  const [first, second] = [placeIn(one), placeIn(other)];
  return first !== null && first === second;
}

function placeIn(address: string): string | null {
  const [, , , place = '', path = '', query = ''] = ADDRESS.exec(address) ?? [];
  if (path === '') return null;
  const given = new URLSearchParams(query);
  const [, host = '', port = ''] = /^(.*?)(?::(\d+))?$/.exec(place) ?? [];
  const where = given.get('host') || decodeURIComponent(host);
  return `${where} ${given.get('port') || port || '5432'} ${decodeURIComponent(path)}`;
}

/** Of a backup, the same for its plan and for the restore itself. */
export const markOf = (backupId: string) => backupId.slice(-8);
