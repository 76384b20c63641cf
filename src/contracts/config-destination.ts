/** The part of `holdfast.yaml` that describes destinations: where they are, how to log in, under which key. */
import { z } from 'zod';

const NAME_RULE = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/;

export const name = z
  .string()
  .regex(NAME_RULE, 'must be 1 to 64 letters, digits, ".", "_" or "-", beginning with a letter or digit');
export const text = z.string().min(1, 'must not be empty');
export const environmentName = z
  .string()
  .regex(/^[A-Za-z_][A-Za-z0-9_]*$/, 'must be the name of an environment variable');

/** Where a secret is found; never the secret itself. */
export const secretReference = (what: string) =>
  z
    .strictObject({ env: environmentName.optional(), file: text.optional() })
    .refine(({ env, file }) => (env === undefined) !== (file === undefined), {
      message: 'needs either env or file',
    })
    .describe(
      `Where ${what} is found: the name of an environment variable, or a file. Never the value itself.`,
    );

const keyReference = secretReference('a key');

/** What the engine takes for a key of a service; see `kmsKeyOf`. */
export const encryptionKeyId = z
  .string()
  .max(500)
  .regex(
    /^(aws-kms:arn:aws[a-z-]*:kms:[a-z0-9-]{3,30}:\d{12}:(key|alias)\/[A-Za-z0-9:/_-]{1,256}|vault-transit:(?!(.*\/)?\.{1,2}(\/|$))([A-Za-z0-9._-]+\/)+[A-Za-z0-9._-]{1,128})$/,
    'must be aws-kms:arn:aws:kms:REGION:ACCOUNT:key/ID or vault-transit:MOUNT/KEY',
  );

const keys = z.strictObject({
  current: keyReference.optional().describe('Default: BACKUP_ENCRYPTION_KEY or BACKUP_ENCRYPTION_KEY_FILE.'),
  old: z.array(keyReference).optional().describe('Keys that older backups may need.'),
  encryptionKeyId: encryptionKeyId
    .optional()
    .describe(
      'A key in AWS KMS or Vault that opens the repository, too, once holdfast key add --kms has let it. Default: BACKUP_ENCRYPTION_KEY_ID.',
    ),
});

const s3 = z
  .strictObject({
    accessKeyId: secretReference('the access key id'),
    secretAccessKey: secretReference('the secret access key'),
    sessionToken: secretReference('the session token').optional(),
  })
  .describe('Login for s3: and supabase: addresses. Default: S3_ACCESS_KEY_ID, S3_SECRET_ACCESS_KEY.');

const supabase = z
  .strictObject({
    serviceRoleKey: secretReference('the service-role key'),
    anonKey: secretReference('the anon key').optional(),
  })
  .describe('Login for supabase: addresses. Default: SUPABASE_SERVICE_ROLE_KEY.');

const sftp = z
  .strictObject({
    privateKey: secretReference('the private key').optional(),
    passphrase: secretReference('the passphrase of the private key').optional(),
    password: secretReference('the password').optional(),
    hostKeys: z
      .array(text.regex(/^SHA256:/, 'must be a fingerprint that begins with SHA256:'))
      .min(1)
      .optional()
      .describe(
        'Fingerprints of the server; one of them must be shown. Default: SFTP_HOST_KEY, known_hosts.',
      ),
    knownHostsFile: text.optional().describe('A known_hosts file of OpenSSH.'),
  })
  .describe('Login for sftp: addresses. What is left out comes from SFTP_PRIVATE_KEY and its siblings.');

export const regionLabel = z
  .string()
  .regex(/^[A-Za-z0-9][A-Za-z0-9._ -]{0,63}$/, 'must be a short label such as eu or de-fra')
  .describe('Where the data lies, for people and for the regions of plans. Not the region of S3.');

const rate = z.number().min(0.05).max(100_000).describe('In MiB each second; 0.5 is allowed.');

/** True for `sftp://user:secret@host`; false when the password is empty or a single `${NAME}`. */
function holdsPassword(address: string): boolean {
  const password = /^[a-z][a-z0-9+.-]*:\/\/[^/?#@]*?:([^@]*)@/i.exec(address)?.[1] ?? '';
  return password !== '' && !/^\$\{\w+\}$/.test(password);
}

const destinationFields = z.strictObject({
  address: text
    .refine((address) => !holdsPassword(address), 'must not hold a password: name it in s3, sftp or supabase')
    .describe('A folder, or an address such as s3://bucket/folder. ${NAME} is allowed.'),
  layout: z
    .enum(['repository', 'bundles'])
    .default('repository')
    .describe('repository: deduplicated. bundles: one self-contained file per backup.'),
  encryption: z
    .enum(['aes-256-gcm', 'none'])
    .optional()
    .describe(
      'none, only with layout bundles: whoever can read the destination can read its backups. Default: aes-256-gcm.',
    ),
  keys: keys.optional(),
  region: regionLabel.optional(),
  s3: s3.optional(),
  supabase: supabase.optional(),
  sftp: sftp.optional(),
  differences: z
    .boolean()
    .optional()
    .describe(
      'Whether a chunk that changed little is stored as a difference, which reads its old bytes. Default: true for folders, false elsewhere.',
    ),
  limits: z
    .strictObject({
      uploadMiBPerSecond: rate.optional(),
      downloadMiBPerSecond: rate.optional(),
      concurrency: z.int().min(1).max(64).optional().describe('Objects that are moved at once.'),
    })
    .optional()
    .describe('Of what a run takes of the network. Default: none.'),
  minimumFreeBytes: z
    .int()
    .min(0)
    .optional()
    .describe('A backup is skipped when less is free here; 0 for any. Default 500000000 (500 MB).'),
});

export const destination = destinationFields.refine(
  ({ layout, encryption }) => encryption !== 'none' || layout === 'bundles',
  { path: ['encryption'], message: 'none is only for layout: bundles; a repository is always encrypted' },
);

export type KeyReference = z.output<typeof keyReference>;
