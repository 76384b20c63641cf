/**
 * What is to be placed, as bytes that pass between threads: one message for hundreds of entries, where an object for
 * each would cost more than making the file. Only our own threads read this; nothing of it is ever stored.
 */
import type { TreeEntry } from '../port.ts';

/** One step of a restore: an entry to make. A file's data and end follow as steps of their own. */
export interface Placement {
  readonly entry: TreeEntry;
  /** Beneath the target, latin1. */
  readonly path: string;
  /** Make a second name of the file placed at this path (latin1, beneath the target) instead. */
  readonly linkTo: string | null;
  /** A later entry may be a hard link to this file. */
  readonly isLinkTarget: boolean;
}

export type Step =
  | { readonly kind: 'begin'; readonly placement: Placement }
  | { readonly kind: 'data'; readonly sizeBytes: number }
  | { readonly kind: 'end' };

const KINDS = { begin: 0, data: 1, end: 2 } as const;
const TYPES = ['file', 'folder', 'symlink', 'fifo', 'socket', 'block', 'character'] as const;
const FLAG = { linkTo: 1, isLinkTarget: 2, target: 4, extents: 8 } as const;
/** kind, type, flags, unused, mode, uid, gid, 4 lengths, modified, device, size. */
const FIXED_BYTES = 56;
const DATA_BYTES = 5;

/** Collects steps. `take` gives their bytes and starts anew. */
export interface StepBuilder {
  readonly sizeBytes: number;
  begin(placement: Placement): void;
  data(sizeBytes: number): void;
  end(): void;
  take(): Uint8Array<ArrayBuffer>;
}

export function stepBuilder(): StepBuilder {
  let bytes = Buffer.allocUnsafeSlow(64 * 1024);
  let used = 0;
  const room = (sizeBytes: number) => {
    if (used + sizeBytes <= bytes.length) return;
    const larger = Buffer.allocUnsafeSlow(2 * (used + sizeBytes));
    bytes.copy(larger, 0, 0, used);
    bytes = larger;
  };
  const put = (part: Buffer | string) => {
    used += typeof part === 'string' ? bytes.write(part, used, 'latin1') : part.copy(bytes, used);
  };
  return {
    get sizeBytes() {
      return used;
    },
    begin({ entry, path, linkTo, isLinkTarget }) {
      const { linkTarget, extents } = entry;
      const extentBytes = 16 * (extents?.length ?? 0);
      room(FIXED_BYTES + entry.path.length + (linkTarget?.length ?? 0) + (linkTo?.length ?? 0) + extentBytes);
      bytes[used] = KINDS.begin;
      bytes[used + 1] = TYPES.indexOf(entry.type);
      bytes[used + 2] =
        (linkTo === null ? 0 : FLAG.linkTo) |
        (isLinkTarget ? FLAG.isLinkTarget : 0) |
        (linkTarget === null ? 0 : FLAG.target) |
        (extents === null ? 0 : FLAG.extents);
      bytes.writeUInt32LE(entry.mode, used + 4);
      bytes.writeUInt32LE(entry.uid, used + 8);
      bytes.writeUInt32LE(entry.gid, used + 12);
      bytes.writeUInt32LE(entry.path.length, used + 16);
      bytes.writeUInt32LE(entry.path.length - path.length, used + 20);
      bytes.writeUInt32LE((linkTo ?? linkTarget)?.length ?? 0, used + 24);
      bytes.writeUInt32LE(extents?.length ?? 0, used + 28);
      bytes.writeBigInt64LE(entry.modifiedAtNs, used + 32);
      bytes.writeBigUInt64LE(entry.deviceNumber, used + 40);
      bytes.writeDoubleLE(entry.sizeBytes, used + 48);
      used += FIXED_BYTES;
      put(entry.path);
      put(linkTo ?? linkTarget ?? '');
      for (const [offset, length] of extents ?? []) {
        used = bytes.writeDoubleLE(offset, used);
        used = bytes.writeDoubleLE(length, used);
      }
    },
    data(sizeBytes) {
      room(DATA_BYTES);
      bytes[used] = KINDS.data;
      bytes.writeUInt32LE(sizeBytes, used + 1);
      used += DATA_BYTES;
    },
    end() {
      room(1);
      bytes[used] = KINDS.end;
      used += 1;
    },
    take() {
      const taken = new Uint8Array(bytes.subarray(0, used));
      used = 0;
      return taken;
    },
  };
}

/** The steps in the order they were collected. */
export function* stepsIn(given: Uint8Array): Generator<Step> {
  const bytes = Buffer.from(given.buffer, given.byteOffset, given.byteLength);
  for (let at = 0; at < bytes.length; ) {
    if (bytes[at] === KINDS.data) {
      yield { kind: 'data', sizeBytes: bytes.readUInt32LE(at + 1) };
      at += DATA_BYTES;
    } else if (bytes[at] === KINDS.end) {
      yield { kind: 'end' };
      at += 1;
    } else {
      const { placement, end } = placementAt(bytes, at);
      yield { kind: 'begin', placement };
      at = end;
    }
  }
}

function placementAt(bytes: Buffer, at: number): { placement: Placement; end: number } {
  const flags = bytes[at + 2]!;
  const pathAt = at + FIXED_BYTES;
  const nameAt = pathAt + bytes.readUInt32LE(at + 16);
  const extentsAt = nameAt + bytes.readUInt32LE(at + 24);
  const end = extentsAt + 16 * bytes.readUInt32LE(at + 28);
  const extents: [number, number][] = [];
  for (let i = extentsAt; i < end; i += 16) extents.push([bytes.readDoubleLE(i), bytes.readDoubleLE(i + 8)]);
  const isLink = (flags & FLAG.linkTo) !== 0;
  const entry: TreeEntry = {
    path: bytes.subarray(pathAt, nameAt),
    type: TYPES[bytes[at + 1]!]!,
    mode: bytes.readUInt32LE(at + 4),
    uid: bytes.readUInt32LE(at + 8),
    gid: bytes.readUInt32LE(at + 12),
    user: '',
    group: '',
    modifiedAtNs: bytes.readBigInt64LE(at + 32),
    changedAtNs: 0n,
    inode: 0n,
    sizeBytes: bytes.readDoubleLE(at + 48),
    linkTarget: flags & FLAG.target && !isLink ? bytes.subarray(nameAt, extentsAt) : null,
    hardLinkTo: null,
    deviceNumber: bytes.readBigUInt64LE(at + 40),
    extents: flags & FLAG.extents ? extents : null,
    content: null,
  };
  const placement = {
    entry,
    path: bytes.toString('latin1', pathAt + bytes.readUInt32LE(at + 20), nameAt),
    linkTo: isLink ? bytes.toString('latin1', nameAt, extentsAt) : null,
    isLinkTarget: (flags & FLAG.isLinkTarget) !== 0,
  };
  return { placement, end };
}
