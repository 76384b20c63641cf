import type { Origin } from '../catalog/tables/configuration.ts';

/** Who changes something, by what way, and when. */
export interface Author {
  readonly origin: Origin;
  /** A user or a token, for people; null when nobody in particular. */
  readonly name: string | null;
  readonly atMs: number;
}

/** The name under which a fresh server takes over what a backup of another one's catalog holds. */
export const TAKEN_OVER = 'setup';
