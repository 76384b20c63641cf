import { ApiProblem } from '../api/client.ts';
import type { DocumentKind } from '../api/queries.ts';

/** What the server calls one of a kind. */
const ONE: Readonly<Record<DocumentKind, string>> = {
  ...{ plans: 'plan', sources: 'source' },
  ...{ destinations: 'destination', channels: 'channel' },
};

/** What the server says is wrong with a field of a document; null for nothing. Its messages name it: `plan.nightly.schedule: …`. */
export function documentProblem(
  error: unknown,
  kind: DocumentKind,
  name: string,
  field: string,
): string | null {
  if (!(error instanceof ApiProblem)) return null;
  const { detail } = error.problem;
  const beginning = `${ONE[kind]}.${name.trim()}.${field}: `;
  return detail.startsWith(beginning) ? detail.slice(beginning.length) : null;
}
