/** Tenants, settings, notices and the ledger. */
import { useQuery } from '@tanstack/react-query';
import type { z } from 'zod';
import type * as administration from '../../../src/contracts/api/administration.ts';
import type * as configuration from '../../../src/contracts/api/configuration.ts';
import type * as notices from '../../../src/contracts/api/notices.ts';
import type { LedgerEntry, LedgerHeads } from '../ledger/ledger-types.ts';
import { call, pathWith } from './client.ts';
import { usePaged } from './queries.ts';
import type { Listed, Tenant } from './types.ts';

export type Setting = z.infer<typeof configuration.setting>;
export type SettingsAnswer = z.infer<typeof configuration.settingsAnswer>;
export type BackupConfig = z.infer<typeof administration.backupConfig>;
export type Delivery = z.infer<typeof notices.delivery>;
export type ChannelTest = z.infer<typeof notices.channelTest>;

export type StorageUse = z.infer<typeof configuration.storageUse>;

/** Lists whole destinations now and then: not asked for again and again. */
export const useStorage = (isAllowed: boolean) =>
  useQuery({
    queryKey: ['storage'],
    queryFn: () => call<Listed<StorageUse>>('/api/v1/storage'),
    enabled: isAllowed,
    staleTime: 60_000,
  });

export const useTenants = () =>
  useQuery({ queryKey: ['tenants'], queryFn: () => call<Listed<Tenant>>('/api/v1/tenants') });

/** As they hold for a tenant, or with null for all. */
export const useSettings = (tenant: string | null) =>
  useQuery({
    queryKey: ['settings', tenant],
    queryFn: () => call<SettingsAnswer>(pathWith('/api/v1/settings', { tenant_id: tenant ?? undefined })),
  });

export const useDeliveries = (channel: string | null) =>
  usePaged<Delivery>(
    ['notices'],
    '/api/v1/notices',
    { channel: channel ?? undefined },
    ({ status }) => status === 'waiting',
  );

export const useLedger = (query: Record<string, string | undefined>) =>
  usePaged<LedgerEntry>(['ledger', 'list'], '/api/v1/ledger', query);

export const useLedgerHeads = () =>
  useQuery({
    queryKey: ['ledger', 'heads'],
    queryFn: () => call<LedgerHeads>('/api/v1/ledger/heads'),
  });
