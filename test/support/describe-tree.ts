/** What a folder holds, as plain values that can be frozen and compared. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import * as fs from 'node:fs';

export interface SeenEntry {
  /** Raw bytes as latin1, relative to the folder. */
  readonly path: string;
  readonly type: 'file' | 'folder' | 'symlink' | 'fifo' | 'other';
  readonly mode: number;
  readonly modifiedAtNs: string;
  readonly sha256?: string;
  /** Of a symlink, as latin1. */
  readonly target?: string;
  /** Of the first entry that is the same file. */
  readonly sameAs?: string;
  /** True when far less is stored than the file is long. */
  readonly isSparse?: boolean;
}

const latin1 = (bytes: Buffer) => bytes.toString('latin1');
const placeOf = (folder: string, path: string) =>
  Buffer.concat([Buffer.from(`${folder}/`), Buffer.from(path, 'latin1')]);

/** Everything below a folder but the folder itself, in the order of names. */
export function describeTree(folder: string): SeenEntry[] {
  const seen: SeenEntry[] = [];
  const first = new Map<string, string>();
  const walk = (below: string) => {
    const names = fs.readdirSync(placeOf(folder, below), { encoding: 'buffer' }).map(latin1).sort();
    for (const name of names) {
      const path = below + name;
      const entry = describe(folder, path, first);
      seen.push(entry);
      if (entry.type === 'folder') walk(`${path}/`);
    }
  };
  walk('');
  return seen;
}

function describe(folder: string, path: string, first: Map<string, string>): SeenEntry {
  const place = placeOf(folder, path);
  const stat = fs.lstatSync(place, { bigint: true });
  const common = { path, mode: Number(stat.mode & 0o7777n), modifiedAtNs: String(stat.mtimeNs) };
  if (stat.isDirectory()) return { ...common, type: 'folder' };
  const identity = `${stat.dev}:${stat.ino}`;
  const sameAs = first.get(identity);
  if (sameAs === undefined) first.set(identity, path);
  const linked = sameAs === undefined ? {} : { sameAs };
  if (stat.isSymbolicLink()) {
    return {
      ...common,
      ...linked,
      type: 'symlink',
      target: latin1(fs.readlinkSync(place, { encoding: 'buffer' })),
    };
  }
  if (!stat.isFile()) return { ...common, ...linked, type: stat.isFIFO() ? 'fifo' : 'other' };
  const sha256 = createHash('sha256').update(fs.readFileSync(place)).digest('hex');
  const isSparse = stat.blocks * 512n + 262_144n < stat.size;
  return { ...common, ...linked, type: 'file', sha256, ...(isSparse ? { isSparse } : {}) };
}

/** Node sets times as doubles of seconds, which is off by some 120 ns today. */
const TIME_SLACK_NS = 500n;

/** Compares two descriptions; `times` leaves the times of single paths out. */
export function assertSameTree(
  actual: readonly SeenEntry[],
  expected: readonly SeenEntry[],
  options: { readonly ignoreTimes?: (path: string) => boolean } = {},
): void {
  const plain = ({ modifiedAtNs: _, ...rest }: SeenEntry) => rest;
  assert.deepEqual(actual.map(plain), expected.map(plain));
  for (const [i, { path, modifiedAtNs }] of expected.entries()) {
    if (options.ignoreTimes?.(path)) continue;
    const distance = BigInt(actual[i]!.modifiedAtNs) - BigInt(modifiedAtNs);
    assert.ok(distance <= TIME_SLACK_NS && distance >= -TIME_SLACK_NS, `${path} is off by ${distance} ns`);
  }
}
