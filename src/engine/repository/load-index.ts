import { HoldfastError } from '../base/errors.ts';
import type { ChunkIndex } from './chunk-index.ts';
import type { RepositoryContext } from './repository-context.ts';

/** See `Repository.loadIndex`. */
export async function loadIndex(
  _context: RepositoryContext,
  _options: { readonly forReading?: boolean } = {},
): Promise<ChunkIndex> {
  throw new HoldfastError('internal', 'the index cannot be loaded yet');
}
