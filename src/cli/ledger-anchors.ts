import { HoldfastError } from '../engine/base/errors.ts';
import type { Cli, CommandResult } from './cli.ts';
import { printable } from './format.ts';
import { mask } from './mask.ts';
import { loadEngine } from './open-engine.ts';
import { openHere } from './run-ledger.ts';
import {
  chooseDestination,
  configuredDestination,
  type Destination,
  givenDestination,
  loadConfig,
} from './settings.ts';
import { storageSettings } from './storage-settings.ts';

/** Puts the heads on the destination that is named, else on every one of the configuration. */
export async function anchorNow(cli: Cli): Promise<CommandResult> {
  const { loadLedger } = cli.io;
  if (!loadLedger) throw new HoldfastError('ledger_missing');
  const ledger = await openHere(cli.io, loadLedger, false);
  try {
    const { anchorAt } = await loadLedger();
    const { writeAnchor } = await loadEngine(cli);
    const anchored: { address: string; written: boolean }[] = [];
    for (const destination of await destinationsOf(cli)) {
      const { address } = destination;
      const place = { address, storage: await storageSettings(cli, destination), signal: cli.signal };
      const write = (anchor: Parameters<typeof writeAnchor>[1]) => writeAnchor(place, anchor);
      anchored.push({
        address: mask(address),
        written: await anchorAt(ledger, mask(address), write, { always: true }),
      });
    }
    const lines = anchored.map(
      ({ address, written }) =>
        `${printable(address)}: ${written ? 'anchored' : 'has these heads already'}\n`,
    );
    return { json: anchored, text: lines.join('') };
  } finally {
    await ledger.close();
  }
}

async function destinationsOf(cli: Cli): Promise<Destination[]> {
  const given = givenDestination(cli.io, cli.options);
  if (given) return [given];
  const loaded = await loadConfig(cli.io, cli.options);
  const names = Object.keys(loaded?.config.destinations ?? {});
  if (!loaded || cli.options.destination !== undefined || names.length === 0) {
    return [await chooseDestination(cli.io, cli.options, loaded, null)];
  }
  return Promise.all(names.map((name) => configuredDestination(cli.io, loaded, name)));
}
