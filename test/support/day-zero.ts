import type { Answer } from './http-client.ts';
import type { HttpWorld } from './http-world.ts';
import { untilTrue } from './until-true.ts';

/** Whoever restores a backup on a server that nobody owns yet, by its setup token. */
export interface DayZero {
  post(path: string, body: object): Promise<Answer>;
  /** Sends a bundle in one piece. */
  upload(raw: Buffer, contentType?: string): Promise<Answer>;
  /** Sends a bundle and opens it; `view` is how that ended. */
  open(bundle: Buffer, encryptionKey: string): Promise<{ readonly restoreId: string; readonly view: View }>;
  /** How a restore stands once nothing of it goes on. */
  settled(restoreId: string): Promise<View>;
}

type View = Answer['json'];

export function dayZero(world: HttpWorld): DayZero {
  const headers = { 'x-setup-token': world.setupToken };
  const send = (path: string, sent: object) =>
    world.client().send('POST', `/api/setup/restore/${path}`, { headers, ...sent });
  const post: DayZero['post'] = (path, body) => send(path, { body });
  const upload: DayZero['upload'] = (raw, contentType = 'application/octet-stream') =>
    send('upload', { raw, headers: { ...headers, 'content-type': contentType } });
  const settled: DayZero['settled'] = (restoreId) =>
    untilTrue(async () => {
      const { json } = await post('status', { restore_id: restoreId });
      return ['opening', 'restoring'].includes(json.state) ? null : json;
    });
  return {
    ...{ post, upload, settled },
    async open(bundle, encryptionKey) {
      const { json: sent } = await upload(bundle);
      const { json } = await post('open', { upload_id: sent.upload_id, encryption_key: encryptionKey });
      const restoreId: string = json.restore_id;
      return { restoreId, view: await settled(restoreId) };
    },
  };
}
