import type { Catalog } from '../catalog/types.ts';
import type { FinishParts } from './finish.ts';
import type { QueueOptions } from './settings.ts';

/** What everything in a queue works with. */
export interface QueueParts extends FinishParts {
  readonly catalog: Catalog;
  readonly options: Required<QueueOptions>;
  /** The catalog's own time, on which all its users agree. */
  nowMs(): number;
  isClosed(): boolean;
}
