import { ApiProblem, call, type Problem, unreachable } from '../api/client.ts';
import type { SetupUpload } from '../api/types.ts';

const BASE = '/api/setup/restore';

/** Of whoever holds the setup token: nobody is asked to log in. */
export const setupCall = <T>(token: string, path: string, body: unknown) =>
  call<T>(`${BASE}/${path}`, {
    ...{ method: 'POST', body, withoutGates: true },
    headers: { 'x-setup-token': token.trim() },
  });

/**
 * Sends a file and says how much of it is sent. Rejects with `ApiProblem`, as `call` does. By the older way, since `fetch` does not
 * tell how far it is.
 */
export function uploadBundle(
  token: string,
  file: File,
  onSent: (bytes: number) => void,
): Promise<SetupUpload> {
  const { promise, resolve, reject } = Promise.withResolvers<SetupUpload>();
  const request = new XMLHttpRequest();
  const refused = (problem: Problem) => reject(new ApiProblem(problem));
  request.open('POST', `${BASE}/upload`);
  request.responseType = 'json';
  request.setRequestHeader('x-holdfast-ui', '1');
  request.setRequestHeader('x-setup-token', token.trim());
  request.setRequestHeader('content-type', 'application/octet-stream');
  request.upload.onprogress = ({ loaded }) => onSent(loaded);
  request.onerror = () => refused(unreachable());
  request.onload = () => {
    const given = request.response as (SetupUpload & Problem) | null;
    if (request.status === 201 && given) resolve(given);
    else refused(given?.code ? given : unreachable(request.status));
  };
  request.send(file);
  return promise;
}
