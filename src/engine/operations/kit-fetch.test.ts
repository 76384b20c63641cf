import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fetchCommands, quoted } from './kit-fetch.ts';

const linesOf = (address: string, settings = {}) =>
  fetchCommands(address, settings).flatMap(({ lines }) => lines.filter((line) => !line.startsWith('export')));

test('a folder needs no command', () => {
  assert.deepEqual(fetchCommands('/var/backups/holdfast', {}), []);
  assert.deepEqual(fetchCommands('file:///var/backups', {}), []);
});

test('a bucket of AWS, and one of another server', () => {
  assert.deepEqual(linesOf('s3://vault/app?region=eu-central-1'), [
    'aws s3 sync s3://vault/app fetched --region eu-central-1',
    `rclone copy ':s3,env_auth=true,provider=AWS,region='\\''eu-central-1'\\'':vault/app' fetched`,
  ]);
  const [aws, rclone] = linesOf('s3://vault?endpoint=https://s3.example.org:9000');
  assert.equal(
    aws,
    'aws s3 sync s3://vault fetched --region us-east-1 --endpoint-url https://s3.example.org:9000',
  );
  assert.match(rclone!, /provider=Other.*endpoint=.*force_path_style=true/);
});

test('bucket and region of the settings stand in; credentials never show', () => {
  const credentials = { accessKeyId: 'AKIACANARY', secretAccessKey: 'canary-secret' };
  const settings = { s3: { bucket: 'vault', region: 'eu-west-1', credentials } };
  const text = JSON.stringify(fetchCommands('s3:', settings));
  assert.match(text, /aws s3 sync s3:\/\/vault fetched --region eu-west-1/);
  assert.doesNotMatch(text, /canary/i);
});

test('a Supabase project is fetched through its S3 endpoint', () => {
  assert.equal(
    linesOf('supabase://abcdefgh')[0],
    'aws s3 sync s3://backups fetched --region us-east-1 --endpoint-url https://abcdefgh.storage.supabase.co/storage/v1/s3',
  );
});

test('an SFTP server: port, address of IPv6, odd folders', () => {
  assert.match(
    linesOf('sftp://backup@host.example:2222/srv/holdfast')[0]!,
    /^sftp -r -P 2222 backup@host\.example:\/srv\/holdfast fetched( |$)/,
  );
  assert.match(
    linesOf('sftp://backup@[::1]/~/my%20backups')[0]!,
    /^sftp -r -P 22 'backup@\[::1\]:my\\ backups' fetched/,
  );
});

test('words for a shell', () => {
  assert.equal(quoted('plain/word-1.txt'), 'plain/word-1.txt');
  assert.equal(quoted("it's"), `'it'\\''s'`);
  assert.equal(quoted('$(rm -rf /)'), `'$(rm -rf /)'`);
});
