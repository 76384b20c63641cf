/** What a drill is asked for and what it says. Plain values. */
import type { CopyPlace } from '../copy-place.ts';
import type { SourceSpec } from '../source-spec.ts';

/** What a value is compared with. Numbers are compared as numbers, everything else as text. */
export type Expectation =
  | string
  | number
  | boolean
  | null
  | {
      readonly equals?: string | number | boolean | null;
      readonly not?: string | number | boolean | null;
      readonly atLeast?: number;
      readonly atMost?: number;
      readonly above?: number;
      readonly below?: number;
      /** All rows, in order. */
      readonly rows?: readonly (readonly (string | number | boolean | null)[])[];
    };

export interface SqlCheck {
  readonly kind: 'sql';
  readonly name: string;
  /** A database of the plan; null for the only one. */
  readonly source: string | null;
  readonly query: string;
  readonly expect: Expectation;
  readonly timeoutMs: number;
}

export interface HttpCheck {
  readonly name: string;
  readonly path: string;
  readonly method: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | null;
  readonly status: number;
  /** By name, in any case; the value must be equal. */
  readonly responseHeaders: Readonly<Record<string, string>>;
  /** By path such as `keys.0.kid`. */
  readonly json: Readonly<Record<string, Expectation | { readonly exists: boolean }>>;
  /** Somewhere in the body; null for nothing. */
  readonly contains: string | null;
  /** Placeholders for later requests, from paths in the answer. */
  readonly save: Readonly<Record<string, string>>;
  readonly timeoutMs: number;
}

export interface ApplicationCheck {
  readonly kind: 'application';
  readonly name: string;
  /** Run by a shell. */
  readonly command: string;
  readonly folder: string | null;
  /** `{port}`, `{NAME}` of a source or artifact stand for what was restored. */
  readonly environment: Readonly<Record<string, string>>;
  /** Null picks a free one; it is in PORT. */
  readonly port: number | null;
  readonly answersAt: string;
  readonly startTimeoutMs: number;
  readonly stopTimeoutMs: number;
  readonly http: readonly HttpCheck[];
}

export interface CommandCheck {
  readonly kind: 'command';
  readonly name: string;
  readonly command: string;
  readonly folder: string | null;
  readonly environment: Readonly<Record<string, string>>;
  readonly timeoutMs: number;
}

export type DrillCheck = SqlCheck | ApplicationCheck | CommandCheck;

export interface DrillSettings {
  readonly checks: readonly DrillCheck[];
  /** Where folders of drills are made; null for `/var/tmp`. */
  readonly folder: string | null;
  /** A named server, on which a scratch database is made; null for a throwaway cluster. */
  readonly postgresServer: string | null;
  /** Folders with server programs, looked at first. */
  readonly postgresPrograms: readonly string[];
  /** `required`: what is started must have no way to the network, or the drill is red. */
  readonly network: 'none' | 'required-none' | 'open';
  /** Sources whose database may have no rows. */
  readonly mayBeEmpty: readonly string[];
}

export interface ExpectedSource {
  readonly name: string;
  readonly kind: SourceSpec['kind'];
  /** True where its absence is no fault. */
  readonly mayLack: boolean;
}

export interface DrillRequest {
  /** Beginning of an id, or `latest` of the plan. */
  readonly backupId: string;
  /** Null for a backup without a plan, or whichever the id names. */
  readonly plan: string | null;
  readonly settings: DrillSettings;
  /** What must never be touched: live sources, as far as their addresses are known here. */
  readonly sources: readonly SourceSpec[];
  /** What the backup must hold something of. */
  readonly expected: readonly ExpectedSource[];
  /** Other places that hold a part of the same recovery, such as keys kept away from the data they open. */
  readonly also: readonly {
    readonly copyPlace: CopyPlace;
    /** A source that makes backups of its own, under a plan of its own. Left out where the main backup holds it. */
    readonly part?: DrilledPart | undefined;
    /** What lies there of the plan; absent where nobody said. */
    readonly sources?: readonly string[] | undefined;
  }[];
  /** Loads dumps as a role that can do nothing else: for dumps of unknown origin. */
  readonly untrusted: boolean;
  /** With other checks than those of the plan: its evidence is not kept beside the backups, nor in the trend. Default false. */
  readonly isTrial?: boolean;
  /** Called with the restored state at hand, which goes when this resolves. */
  readonly onKept?: (state: KeptState) => Promise<void>;
  /** Tests only: what goes wrong between restoring and checking. */
  readonly onRestored?: (state: KeptState) => Promise<void>;
}

export interface DrilledPart {
  readonly source: string;
  readonly plan: string;
}

export interface KeptState {
  readonly folder: string;
  /** By source: the address of its database. It is a throwaway secret. */
  readonly databases: Readonly<Record<string, string>>;
  /** By artifact: its path. */
  readonly paths: Readonly<Record<string, string>>;
}

export type {
  CheckResult,
  DrilledBackup,
  DrillFailure,
  DrillPhase,
  DrillReport,
  PhaseName,
  TrendPoint,
} from '../../evidence/drill-report.ts';
