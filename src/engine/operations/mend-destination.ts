import { systemClock } from '../base/clock.ts';
import { credentialOf } from '../kms/credential.ts';
import { mendAccess } from '../repository/mend-access.ts';
import type { ChunkSecrets } from '../repository/repository.ts';
import { openStorage } from '../storage/open-storage.ts';
import type { CopyPlace } from './copy-place.ts';
import type { DestinationSpec } from './destinations.ts';

/** What a repository may complain of that `mendDestination` can make good. */
export const MENDABLE: ReadonlySet<string> = new Set([
  ...['repository_missing', 'repository_exists', 'object_damaged', 'object_missing', 'key_wrong'],
]);

/** Writes anew what opens the repository of a destination, with the help of other copies. See `mendAccess`; does nothing for bundles. */
export async function mendDestination(
  spec: DestinationSpec,
  others: readonly CopyPlace[],
): Promise<string[]> {
  const { address, storage: settings, layout, keyTexts, kms } = await spec.options();
  if (layout === 'bundles') return [];
  const storage = await openStorage(address, settings);
  const kin: ChunkSecrets[] = others.flatMap((one) =>
    one.layout === 'repository' ? [one.context.repository.chunkSecrets()] : [],
  );
  try {
    const credentials = keyTexts.map((text) => credentialOf(text, kms));
    return await mendAccess({ storage, credentials, kin, clock: systemClock });
  } finally {
    await storage.close();
  }
}
