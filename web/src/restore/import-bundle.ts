import { call, codeOf } from '../api/client.ts';
import type { Upload, UploadPlace } from '../upload/send-bundle.ts';

export const UPLOADS: UploadPlace = { url: '/api/v1/uploads' };
const POLL_MS = 500;

const wait = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

/** Has what was sent checked and taken in, and follows until it is a backup or failed. */
export async function importBundle(
  { id, state }: Upload,
  destination: string,
  key: string,
  onState: (upload: Upload) => void,
): Promise<Upload> {
  if (state !== 'imported') {
    const body = { destination, ...(key === '' ? {} : { encryption_key: key }) };
    await call<Upload>(`${UPLOADS.url}/${id}/import`, { method: 'POST', body });
  }
  for (;;) {
    const upload = await call<Upload>(`${UPLOADS.url}/${id}`).catch((error: unknown) => {
      if (codeOf(error) !== 'server_unreachable') throw error;
      return null;
    });
    if (upload) onState(upload);
    if (upload && upload.state !== 'importing') return upload;
    await wait(POLL_MS);
  }
}
