/** How a destination is fetched to a folder with ordinary tools, for the instructions of a recovery kit. */
import { parseS3Address } from '../storage/s3/s3-address.ts';
import { parseSupabaseAddress } from '../storage/s3/supabase-address.ts';
import { parseSftpAddress } from '../storage/sftp/sftp-address.ts';
import type { StorageSettings } from '../storage/storage-settings.ts';

export interface FetchCommand {
  /** What it needs, for people. */
  readonly tool: string;
  /** Lines for a shell. Secrets are named by their variables. */
  readonly lines: readonly string[];
}

/** The commands that fetch an address to a folder; none for a folder, which is only to be mounted. Throws `usage` for no address. */
export function fetchCommands(
  address: string,
  settings: StorageSettings,
  folder = 'fetched',
): FetchCommand[] {
  if (/^sftp:/i.test(address)) return sftpCommands(address, folder);
  if (/^s3:/i.test(address)) return s3Commands(parseS3Address(address, settings.s3 ?? {}), folder, false);
  if (/^supabase:/i.test(address)) {
    // What stands here for a key is never used: only place and server are.
    const supabase = { serviceRoleKey: 'none' };
    return s3Commands(parseSupabaseAddress(address, { ...settings.s3, supabase }), folder, true);
  }
  return [];
}

type Place = Pick<
  ReturnType<typeof parseS3Address>,
  'bucket' | 'prefix' | 'endpoint' | 'region' | 'pathStyle'
>;

function s3Commands(place: Place, folder: string, isSupabase: boolean): FetchCommand[] {
  const { bucket, prefix, endpoint, region, pathStyle } = place;
  const from = `${bucket}/${prefix}`.replace(/\/$/, '');
  const login = isSupabase
    ? 'export AWS_ACCESS_KEY_ID=… AWS_SECRET_ACCESS_KEY=…   # an S3 key of the project: Storage, Settings, S3'
    : 'export AWS_ACCESS_KEY_ID=… AWS_SECRET_ACCESS_KEY=…   # a key that may list and read the bucket';
  const awsOptions = [
    ...(region ? ['--region', quoted(region)] : []),
    ...(endpoint ? ['--endpoint-url', quoted(endpoint)] : []),
  ];
  const remote = [
    `:s3,env_auth=true,provider=${endpoint ? 'Other' : 'AWS'}`,
    ...(region ? [`region='${region}'`] : []),
    ...(endpoint ? [`endpoint='${endpoint}'`] : []),
    ...(pathStyle ? ['force_path_style=true'] : []),
  ].join(',');
  return [
    {
      tool: 'the AWS command line (aws)',
      lines: [login, ['aws s3 sync', quoted(`s3://${from}`), folder, ...awsOptions].join(' ')],
    },
    { tool: 'rclone', lines: [login, `rclone copy ${quoted(`${remote}:${from}`)} ${folder}`] },
  ];
}

function sftpCommands(address: string, target: string): FetchCommand[] {
  const { user, host, port, folder } = parseSftpAddress(address);
  const bracketed = host.includes(':') ? `[${host}]` : host;
  // sftp reads the path as a command line of its own.
  const from = `${user}@${bracketed}:${folder.replace(/[ '"\\*?[\]]/g, '\\$&')}`;
  return [
    {
      tool: 'OpenSSH (sftp)',
      lines: [`sftp -r -P ${port} ${quoted(from)} ${target}   # ${target} must not be there yet`],
    },
    {
      tool: 'rclone',
      lines: [
        `rclone copy ${quoted(`:sftp,host='${host}',user='${user}',port=${port}:${folder}`)} ${target}   # logs in by ssh-agent`,
      ],
    },
  ];
}

/** A word for a shell. */
export function quoted(text: string): string {
  return /^[A-Za-z0-9_@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}
