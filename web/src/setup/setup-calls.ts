import { call } from '../api/client.ts';
import type { UploadPlace } from '../upload/send-bundle.ts';

const BASE = '/api/setup/restore';

/** Of whoever holds the setup token: nobody is asked to log in. */
const as = (token: string) => ({ withoutGates: true, headers: { 'x-setup-token': token.trim() } });

export const setupCall = <T>(token: string, path: string, body: unknown) =>
  call<T>(`${BASE}/${path}`, { method: 'POST', body, ...as(token) });

export const setupUploads = (token: string): UploadPlace => ({ url: `${BASE}/uploads`, with: as(token) });
