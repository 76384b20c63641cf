import { fchmodSync, fchownSync, futimesSync, lchownSync, lutimesSync } from 'node:fs';
import type { TreeEntry } from '../port.ts';
import type { OwnerNames } from './owners.ts';

/** How much of an entry's metadata is put back. */
export interface MetadataPolicy {
  /** Owners as recorded: by name where the name is known here, else by number. Only root can. */
  readonly keepOwners: boolean;
  readonly owners: OwnerNames;
}

/**
 * Nanoseconds as the number of seconds that Node wants. A double holds today's times to within 120 ns, which is
 * how exactly times are restored. As text, because Node replaces negative numbers by the current time.
 */
function secondsText(ns: bigint): string {
  return String(Number(ns / 1_000_000_000n) + Number(ns % 1_000_000_000n) / 1e9);
}

function ownerOf(entry: TreeEntry, { owners }: MetadataPolicy): { uid: number; gid: number } {
  return {
    uid: (entry.user !== '' ? owners.id('user', entry.user) : null) ?? entry.uid,
    gid: (entry.group !== '' ? owners.id('group', entry.group) : null) ?? entry.gid,
  };
}

/** The entry with the owner's numbers on this host, where its names are known. */
export function resolveOwners(entry: TreeEntry, policy: MetadataPolicy): TreeEntry {
  return policy.keepOwners ? { ...entry, ...ownerOf(entry, policy), user: '', group: '' } : entry;
}

/** Without the owner, setuid and setgid would lend the rights of whoever restores to anyone who runs the file. */
export function modeOf(entry: TreeEntry, policy: MetadataPolicy): number {
  return policy.keepOwners ? entry.mode : entry.mode & (entry.type === 'folder' ? 0o1777 : 0o777);
}

/** Owner, mode and times of an open file or folder, in the order in which they do not undo each other. */
export function applyToHandle(fd: number, entry: TreeEntry, policy: MetadataPolicy): void {
  if (policy.keepOwners) {
    const { uid, gid } = ownerOf(entry, policy);
    fchownSync(fd, uid, gid);
  }
  fchmodSync(fd, modeOf(entry, policy));
  const time = secondsText(entry.modifiedAtNs);
  futimesSync(fd, time, time);
}

/** Owner and times of what cannot be opened: symlinks, FIFOs, devices. Nothing is followed. */
export function applyToName(place: string | Buffer, entry: TreeEntry, policy: MetadataPolicy): void {
  if (policy.keepOwners) {
    const { uid, gid } = ownerOf(entry, policy);
    lchownSync(place, uid, gid);
  }
  const time = secondsText(entry.modifiedAtNs);
  lutimesSync(place, time, time);
}
