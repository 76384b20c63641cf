/** Writers beside table retention, and what they wait for with it and without. */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

/** Of the statements since the last look. */
export interface Waits {
  readonly statements: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly p999Ms: number;
  readonly longestMs: number;
}

export interface Writers {
  /** What was waited for since the last look. */
  look(): Promise<Waits>;
  stop(): Promise<Waits>;
}

const CHILD = fileURLToPath(new URL('./retention-load-child.ts', import.meta.url));

/** So many sessions that insert, look at and touch rows with ids up to `top`, a statement every few milliseconds each. */
export async function startWriters(
  kind: 'postgres' | 'sqlite',
  place: string,
  { sessions, top }: { readonly sessions: number; readonly top: number },
): Promise<Writers> {
  const child = fork(CHILD, [kind, place, String(sessions), String(top)]);
  const failed = once(child, 'exit').then(([code]) => {
    throw new Error(`the writers ended with ${code}`);
  });
  failed.catch(() => {});
  const said = async () => (await Promise.race([once(child, 'message'), failed]))[0];
  await said();
  const ask = async (word: string): Promise<Waits> => {
    const answer = said();
    child.send(word);
    return answer;
  };
  return {
    look: () => ask('look'),
    async stop() {
      const waits = await ask('end');
      await failed.catch(() => {});
      return waits;
    },
  };
}

export function waitsText({ statements, p50Ms, p99Ms, p999Ms, longestMs }: Waits): string {
  const ms = (value: number) => value.toFixed(1);
  return `${statements} statements, 50% within ${ms(p50Ms)} ms, 99% ${ms(p99Ms)} ms, 99.9% ${ms(p999Ms)} ms, all ${ms(longestMs)} ms`;
}
