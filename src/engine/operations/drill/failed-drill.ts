import { readSigningKey } from '../open-repository.ts';
import { type DrillOutcome, recordFailedDrill } from './evidence.ts';

export interface FailedDrill {
  readonly plan: string | null;
  readonly tenantId: string | null;
  /** For people, without credentials. */
  readonly destination: string;
  /** What kept it from running. */
  readonly error: unknown;
  readonly stateFolder: string;
  readonly signingKeyFile: string;
  /** Not in the trend. Default false. */
  readonly isTrial?: boolean;
}

/** Keeps evidence of a drill that could not even open its destination: not to run is to fail. */
export async function failedDrill(drill: FailedDrill): Promise<DrillOutcome> {
  const { stateFolder, signingKeyFile, error, plan, tenantId, destination, isTrial } = drill;
  const signingKey = await readSigningKey(signingKeyFile);
  return recordFailedDrill({ stateFolder, signingKey }, { plan, tenantId, destination, isTrial }, error);
}
