import type { z } from 'zod';
import type * as uploads from '../../../src/contracts/api/uploads.ts';
import { type Call, call, codeOf } from '../api/client.ts';

export type Upload = z.infer<typeof uploads.upload>;

/** Little enough that a broken line costs seconds, enough that asking costs nothing beside it. */
const PIECE_BYTES = 4 * 1024 ** 2;
const FIRST_WAIT_MS = 1_000;
const LONGEST_WAIT_MS = 15_000;
/** Which upload of this window belongs to which file: a page that was loaded anew goes on. */
const STORED = 'holdfast-upload';

/** Where a bundle is sent, and what every request of it carries. */
export interface UploadPlace {
  readonly url: string;
  readonly with?: Pick<Call, 'headers' | 'withoutGates'>;
}

export interface SendProgress {
  readonly sent: number;
  /** The server does not answer; it is asked again. */
  readonly isWaiting: boolean;
}

const wait = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
const markOf = ({ name, size, lastModified }: File) => `${name} ${size} ${lastModified}`;

/** Sends a file in pieces, from where an earlier try got to. A server that is away is waited for; a refusal is thrown. */
export async function sendBundle(
  place: UploadPlace,
  file: File,
  onProgress: (progress: SendProgress) => void,
): Promise<Upload> {
  let upload = await begun(place, file);
  let waitMs = FIRST_WAIT_MS;
  while (upload.state === 'receiving') {
    onProgress({ sent: upload.offset, isWaiting: false });
    try {
      upload = await ask(place, `/${upload.id}`, {
        method: 'PATCH',
        body: file.slice(upload.offset, upload.offset + PIECE_BYTES),
        headers: {
          'content-type': 'application/offset+octet-stream',
          'upload-offset': String(upload.offset),
        },
      });
      waitMs = FIRST_WAIT_MS;
    } catch (error) {
      const code = codeOf(error);
      if (code !== 'server_unreachable' && code !== 'upload_conflict') throw error;
      onProgress({ sent: upload.offset, isWaiting: true });
      await wait(waitMs);
      waitMs = Math.min(waitMs * 2, LONGEST_WAIT_MS);
      // What arrived before the line broke stays there.
      upload = await reachable(place, upload);
    }
  }
  onProgress({ sent: upload.offset, isWaiting: false });
  return upload;
}

const ask = (place: UploadPlace, path: string, { headers, ...asked }: Call = {}) =>
  call<Upload>(place.url + path, {
    ...place.with,
    ...asked,
    headers: { ...place.with?.headers, ...headers },
  });

async function begun(place: UploadPlace, file: File): Promise<Upload> {
  const kept = `${STORED} ${place.url}`;
  const stored = JSON.parse(sessionStorage.getItem(kept) ?? 'null') as { id: string; mark: string } | null;
  if (stored?.mark === markOf(file)) {
    try {
      return await ask(place, `/${stored.id}`);
    } catch (error) {
      if (codeOf(error) !== 'item_unknown') throw error;
    }
  }
  const upload = await ask(place, '', {
    method: 'POST',
    body: { size_bytes: file.size, name: file.name },
  });
  sessionStorage.setItem(kept, JSON.stringify({ id: upload.id, mark: markOf(file) }));
  return upload;
}

async function reachable(place: UploadPlace, upload: Upload): Promise<Upload> {
  try {
    return await ask(place, `/${upload.id}`);
  } catch (error) {
    if (codeOf(error) !== 'server_unreachable') throw error;
    return upload;
  }
}
