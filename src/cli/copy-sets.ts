import type { VerifyPayload } from '../contracts/cli-payloads.ts';
import { partsOf } from '../contracts/config-destinations.ts';
import type { Cli } from './cli.ts';
import { specOfDestination } from './destination-specs.ts';
import type { CopySet, DestinationSpec, ReplicatedBackup, VerifiedCopy } from './engine-door.ts';
import { formatCount, formatSize, formatTime, printable } from './format.ts';
import { failurePayload, renderFailures } from './render-copies.ts';
import { renderVerify } from './render-verify.ts';
import { givenDestination, loadConfig } from './settings.ts';

/**
 * Destinations that hold copies of each other, by plan, and those of no plan by themselves. Null when one place is
 * named on the command line or there is only one.
 */
export async function copySets(cli: Cli): Promise<NamedSet[] | null> {
  if (givenDestination(cli.io, cli.options) || cli.options.destination !== undefined) return null;
  const loaded = await loadConfig(cli.io, cli.options);
  const names = Object.keys(loaded?.config.destinations ?? {});
  if (!loaded || names.length < 2) return null;
  const specs = new Map<string, DestinationSpec>();
  for (const name of names) specs.set(name, await specOfDestination(cli, loaded, name));
  const sets: NamedSet[] = [];
  for (const [plan, config] of Object.entries(loaded.config.plans)) {
    for (const { sources, destinations, apart } of partsOf(loaded.config, config)) {
      const isSeparate = sources.every((source) => config.separate?.[source] !== undefined);
      if (destinations)
        sets.push({ plan, isSeparate, apart, specs: destinations.map(({ name }) => specs.get(name)!) });
    }
  }
  const used = new Set(sets.flatMap((set) => set.specs));
  const alone = [...specs.values()].filter((spec) => !used.has(spec));
  return [...sets, ...alone.map((spec) => ({ isSeparate: false, specs: [spec] }))];
}

/** Destinations that hold the same backups. */
export interface NamedSet extends CopySet {
  /** For sources that a plan sends elsewhere than the rest. */
  readonly isSeparate: boolean;
}

/** Where a backup is looked for. `latest` is one of a plan's own: not the keys that went elsewhere a second later. */
export function setsFor<T extends { readonly isSeparate: boolean }>(
  sets: readonly T[],
  id: string | null,
): readonly T[] {
  const own = sets.filter(({ isSeparate }) => !isSeparate);
  return id === 'latest' && own.length > 0 ? own : sets;
}

/** Each destination once. */
export function specsOf(sets: readonly CopySet[]): DestinationSpec[] {
  return [...new Set(sets.flatMap((set) => set.specs))];
}

/** One document for all copies: sums, and what is wrong with its place. */
export function joinedPayload(
  copies: readonly VerifiedCopy[],
  durationMs: number,
  { backupId, share }: { readonly backupId: string | null; readonly share: number },
): VerifyPayload {
  const reports = copies.flatMap(({ destination, report }) => (report ? [{ destination, report }] : []));
  const sum = (of: keyof VerifyPayload['checked']) =>
    reports.reduce((total, { report }) => total + report.checked[of], 0);
  const placed = <T>(of: (report: (typeof reports)[number]['report']) => readonly T[]) =>
    reports.flatMap(({ destination, report }) => of(report).map((one) => ({ ...one, destination })));
  return {
    ok: copies.every(({ status }) => status === 'good'),
    scope: backupId === null ? (share < 1 ? 'share' : 'all') : 'backup',
    seed: null,
    durationMs,
    checked: {
      ...{ objects: sum('objects'), packs: sum('packs'), packBytes: sum('packBytes'), chunks: sum('chunks') },
      ...{ backups: sum('backups'), artifacts: sum('artifacts'), hashedBytes: sum('hashedBytes') },
    },
    damaged: placed(({ damaged }) => damaged),
    replaced: placed(({ replaced }) => replaced),
    affected: placed(({ affected }) => affected),
    rejected: placed(({ rejected }) => rejected),
    unlistedPacks: reports.reduce((total, { report }) => total + report.unlistedPacks, 0),
    copies: copies.map(({ destination, address, status, missing, healed, failures }) => ({
      ...{ destination, address, status },
      missing: missing.map(missingPayload),
      healed: healed && {
        backups: [...healed.healed],
        copied: healed.copied,
        storedBytes: healed.storedBytes,
      },
      failures: failures.map(failurePayload),
    })),
  };
}

function missingPayload({ id, plan, tenantId, type, timestampMs, sizeBytes }: ReplicatedBackup) {
  return { id, plan, tenantId, type, timestamp: new Date(timestampMs).toISOString(), sizeBytes };
}

export function renderCopy(copy: VerifiedCopy, durationMs: number, isHealing: boolean): string {
  const { destination, report, missing, healed, failures, status } = copy;
  const next = isHealing
    ? 'next: see docs/operations.md, damage\n'
    : 'next: holdfast verify --heal repairs it from another copy\n';
  const looked = report ? renderVerify({ ...report, durationMs }, next) : '';
  const lacks = missing.map(
    ({ id, timestampMs, plan }) => `  ${id}  ${formatTime(timestampMs)}  ${printable(plan ?? '')}\n`,
  );
  const done = healed
    ? `healed ${formatCount(healed.healed.length, 'backup')}, copied ${healed.copied}, new ${formatSize(healed.storedBytes)}\n`
    : '';
  return [
    `${printable(destination)}: `,
    status === 'down' ? 'NOT LOOKED AT\n' : looked,
    missing.length > 0
      ? `${report ? '' : 'good, but '}COPY MISSING, ${formatCount(missing.length, 'backup')}:\n`
      : '',
    ...lacks,
    done,
    renderFailures(failures),
  ].join('');
}
