import type { Command } from '../command.ts';
import type { Tool } from './port.ts';

export interface Bucket {
  readonly endpoint: string;
  readonly bucket: string;
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
}

let places = 0;

/** The same tool with its repository in a bucket instead of a folder. Null for one that cannot. What is stored is not counted then. */
export function onS3(tool: Tool, { endpoint, bucket, accessKeyId, secretAccessKey }: Bucket): Tool | null {
  const isRestic = tool.name.startsWith('restic');
  if (!isRestic && tool.name !== 'holdfast') return null;
  return {
    ...tool,
    settings: `${tool.settings}; to a bucket`,
    session(source, folder) {
      const session = tool.session(source, folder);
      places += 1;
      const place = `${bucket}/${tool.name}-${places}`;
      const address = isRestic
        ? `s3:${endpoint}/${place}`
        : `s3://${place}?${new URLSearchParams({ endpoint, checksums: 'when-required' })}`;
      const logins = {
        ...{ AWS_ACCESS_KEY_ID: accessKeyId, AWS_SECRET_ACCESS_KEY: secretAccessKey },
        ...{ S3_ACCESS_KEY_ID: accessKeyId, S3_SECRET_ACCESS_KEY: secretAccessKey },
      };
      const moved = (text: string) => (text === session.repository ? address : text);
      const there = (command: Command): Command => ({
        ...command,
        steps: command.steps.map((pipeline) => pipeline.map((argv) => argv.map(moved))),
        env: {
          ...Object.fromEntries(
            Object.entries(command.env ?? {}).map(([name, value]) => [name, moved(value)]),
          ),
          ...logins,
        },
      });
      return {
        ...session,
        prepare: session.prepare && there(session.prepare),
        repository: null,
        backup(run) {
          const command = session.backup(run);
          return command && there(command);
        },
        restore(target) {
          const restoring = session.restore(target);
          return restoring && { ...restoring, command: there(restoring.command) };
        },
      };
    },
  };
}
