/**
 * The second half of a prune, without the day that lies between: deletes what `holdfast prune` has marked. Only for measuring:
 * in that day, backups that are under way would still count on it.
 */
import { parseKeyText } from '../../src/engine/crypto/key-text.ts';
import { applyPrune } from '../../src/engine/repository/prune.ts';
import { openRepository } from '../../src/engine/repository/repository.ts';
import { openStorage } from '../../src/engine/storage/open-storage.ts';

const [address] = process.argv.slice(2);
const storage = await openStorage(address!);
const credentials = [parseKeyText(process.env.BACKUP_ENCRYPTION_KEY!)];
const repository = await openRepository({ storage, credentials, graceMs: 0 });
const { remove } = await applyPrune(repository);
await storage.close();
console.log(`deleted ${remove.length} packs`);
