import { onEachCatalog } from '../support/catalogs.ts';
import { queueConformance } from './queue.ts';

onEachCatalog('queue', queueConformance);
