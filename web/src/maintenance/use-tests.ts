import { useState } from 'react';
import { useRefresh } from '../api/queries.ts';
import { type TestAnswer, type Tested, testOne } from '../documents/test-result.tsx';

export type Outcome =
  | { readonly state: 'waiting' }
  | { readonly state: 'answered'; readonly answer: TestAnswer }
  | { readonly state: 'refused'; readonly error: unknown };

/** Tests of several things, one after the other, each with its outcome as soon as it is there. */
export function useTests(kind: Tested) {
  const refresh = useRefresh();
  const [outcomes, setOutcomes] = useState<Readonly<Record<string, Outcome>>>({});
  const put = (name: string, outcome: Outcome) => setOutcomes((before) => ({ ...before, [name]: outcome }));
  const test = async (names: readonly string[]) => {
    for (const name of names) put(name, { state: 'waiting' });
    for (const name of names) {
      put(
        name,
        await testOne(kind, name).then(
          (answer): Outcome => ({ state: 'answered', answer }),
          (error: unknown): Outcome => ({ state: 'refused', error }),
        ),
      );
    }
    await refresh('notices');
  };
  const isBusy = Object.values(outcomes).some(({ state }) => state === 'waiting');
  return { outcomes, test, isBusy };
}
