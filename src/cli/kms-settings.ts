import type { KmsSettings } from '../engine/index.ts';
import type { Cli } from './cli.ts';
import { secretVariable } from './secret-variable.ts';

/**
 * How to log in to services that hold keys: VAULT_ADDR, VAULT_TOKEN (or VAULT_TOKEN_FILE) and VAULT_NAMESPACE as Vault's own tools take them; AWS as
 * its library does, AWS_ENDPOINT_URL_KMS included. Throws `storage_denied` for a file that is named and cannot be read.
 */
export async function kmsSettings(cli: Cli): Promise<KmsSettings> {
  const { VAULT_ADDR, VAULT_NAMESPACE, AWS_ENDPOINT_URL_KMS } = cli.io.environment;
  const token = (await secretVariable(cli, 'VAULT_TOKEN'))?.trim();
  return {
    aws: { endpoint: AWS_ENDPOINT_URL_KMS || undefined },
    vault: { address: VAULT_ADDR || undefined, token, namespace: VAULT_NAMESPACE || undefined },
  };
}
