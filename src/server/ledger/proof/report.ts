import type { Head, Stream } from './statements.ts';

export type ProblemCode =
  | 'file_missing'
  | 'line_malformed'
  | 'empty'
  | 'entry_missing'
  | 'entry_repeated'
  | 'fork'
  | 'chain_broken'
  | 'entry_changed'
  | 'signature_wrong'
  | 'key_unknown'
  | 'key_retired'
  | 'keys_wrong'
  | 'checkpoint_wrong'
  | 'streams_disagree'
  | 'tail_cut'
  | 'rewritten'
  | 'anchor_unproven'
  | 'anchor_missing'
  | 'key_not_pinned';

export interface Problem {
  readonly code: ProblemCode;
  /** A file of the dump, or where the anchor lies. */
  readonly where: string;
  /** Null where no line is to be named. */
  readonly line: number | null;
  readonly seq: number | null;
  readonly message: string;
}

export interface StreamReport {
  readonly stream: Stream;
  /** How many are proven, from the first on. */
  readonly entries: number;
  /** The last that is proven; null for none. */
  readonly head: (Head & { readonly at: string }) | null;
  readonly checkpoints: number;
}

export interface LedgerReport {
  readonly ok: boolean;
  readonly ledgerId: string | null;
  readonly streams: readonly StreamReport[];
  readonly keys: readonly {
    readonly keyId: string;
    readonly status: 'active' | 'retired';
    readonly pinned: boolean;
    readonly entries: number;
  }[];
  readonly anchors: {
    /** Heads kept elsewhere that agree. */
    readonly agreeing: number;
    /** Up to which entry heads kept elsewhere vouch for the streams; 0 for none. */
    readonly upTo: Readonly<Record<Stream, number>>;
  };
  readonly problems: readonly Problem[];
  /** What is not wrong and weakens the proof. */
  readonly warnings: readonly string[];
}

export function problem(
  code: ProblemCode,
  where: string,
  message: string,
  at: { readonly line?: number | null; readonly seq?: number | null } = {},
): Problem {
  return { code, where, line: at.line ?? null, seq: at.seq ?? null, message };
}
