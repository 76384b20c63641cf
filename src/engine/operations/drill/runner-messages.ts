import type { HttpCheck } from './drill-types.ts';

interface Started {
  /** Run by a shell. */
  readonly command: string;
  readonly folder: string | null;
  /** All of it: nothing is inherited. */
  readonly environment: Readonly<Record<string, string>>;
}

export type RunnerTask =
  | (Started & { readonly kind: 'command'; readonly timeoutMs: number })
  | (Started & {
      readonly kind: 'application';
      readonly port: number;
      readonly answersAt: string;
      readonly startTimeoutMs: number;
      readonly stopTimeoutMs: number;
      readonly http: readonly HttpCheck[];
    });

export type RunnerEvent =
  | { readonly event: 'passed'; readonly detail: string }
  | { readonly event: 'failed'; readonly detail: string }
  | { readonly event: 'answered' }
  | {
      readonly event: 'http';
      readonly index: number;
      readonly isGreen: boolean;
      readonly detail: string;
      readonly durationMs: number;
    }
  /** The application ended while it was asked. */
  | { readonly event: 'ended'; readonly detail: string }
  | { readonly event: 'done' };
