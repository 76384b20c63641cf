import { posix } from 'node:path';
import type { ObjectInfo } from '../port.ts';
import { readWholeFolder } from './sftp-folders.ts';
import type { SftpLink } from './sftp-link.ts';
import { TEMPORARY } from './sftp-put.ts';
import type { RemoteEntry } from './sftp-session.ts';

/** Folders asked for ahead of their turn: packs lie in 256 of them, each worth several round trips. */
const FOLDERS_AHEAD = 16;
/** No object has a longer name; a server that shows folders without end is not followed. */
const MAX_NAME_LENGTH = 1024;

type Fetch = (below: string) => Promise<RemoteEntry[]>;

/** Walks in bytewise order of the full names. What vanishes meanwhile is left out, and so are links. */
export async function* listRemote(
  link: SftpLink,
  root: string,
  prefix: string,
  signal: AbortSignal | undefined,
): AsyncGenerator<ObjectInfo> {
  const fetch: Fetch = (below) =>
    link.run((session) => readWholeFolder(session, posix.join(root, below)), signal);
  const start = prefix.slice(0, prefix.lastIndexOf('/') + 1);
  yield* walk(fetch, await fetch(start), start, prefix);
}

async function* walk(
  fetch: Fetch,
  entries: readonly RemoteEntry[],
  below: string,
  prefix: string,
): AsyncGenerator<ObjectInfo> {
  const wanted = inOrder(entries, below, prefix);
  const ahead = new Map<string, Promise<RemoteEntry[]>>();
  let asked = 0;
  for (const { name, entry } of wanted) {
    if (entry.kind === 'file') {
      yield { name, sizeBytes: entry.sizeBytes, modifiedAtMs: entry.modifiedAtMs };
      continue;
    }
    for (; asked < wanted.length && ahead.size < FOLDERS_AHEAD; asked += 1) {
      const later = wanted[asked]!;
      if (later.entry.kind !== 'folder') continue;
      const content = fetch(later.name);
      // Whoever reaches it sees the failure; until then it must not count as unhandled.
      content.catch(() => {});
      ahead.set(later.name, content);
    }
    const content = await ahead.get(name)!;
    ahead.delete(name);
    yield* walk(fetch, content, name, prefix);
  }
}

/** Files, and folders ending in `/`, which sorts them where their content belongs. */
function inOrder(entries: readonly RemoteEntry[], below: string, prefix: string) {
  return entries
    .filter(({ kind }) => kind !== 'other')
    .map((entry) => ({ name: `${below}${entry.name}${entry.kind === 'folder' ? '/' : ''}`, entry }))
    .filter(({ name }) => name !== `${TEMPORARY}/` && name.length <= MAX_NAME_LENGTH)
    .filter(({ name }) => name.startsWith(prefix) || (name.endsWith('/') && prefix.startsWith(name)))
    .sort((a, b) => (a.name < b.name ? -1 : 1));
}
