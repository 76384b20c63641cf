/** Keys of repositories, and the recovery kit. */
import { useQuery } from '@tanstack/react-query';
import type { z } from 'zod';
import type * as keys from '../../../src/contracts/api/keys.ts';
import { call } from './client.ts';

export type KitState = z.infer<typeof keys.kitState>;
export type KeySlot = z.infer<typeof keys.keySlot>;
export type KeySlots = z.infer<typeof keys.keySlots>;

/** Not asked for somebody who may not know. */
export const useKit = (isAllowed: boolean) =>
  useQuery({
    queryKey: ['kit'],
    queryFn: () => call<KitState>('/api/v1/kit'),
    enabled: isAllowed,
  });

export const slotsPath = (destination: string) =>
  `/api/v1/destinations/${encodeURIComponent(destination)}/keys`;

/** Opens the repository, so it is not asked for again and again. */
export const useKeySlots = (destination: string) =>
  useQuery({
    queryKey: ['slots', destination],
    queryFn: () => call<KeySlots>(slotsPath(destination)),
    staleTime: 60_000,
    refetchOnWindowFocus: false,
  });
