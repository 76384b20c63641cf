/** RECOVERY.md: what to do when everything but a destination and this kit is gone. */
import type { SlotInfo } from '../repository/key-admin.ts';
import type { ManifestArtifact } from '../repository/manifest.ts';
import type { KitFacts } from './kit-facts.ts';
import { quoted } from './kit-fetch.ts';

export interface KitText {
  readonly madeAt: string;
  readonly program: string;
  readonly host: string;
  /** Files with a key in them, and whether it is wrapped under a passphrase. */
  readonly keyFiles: readonly string[];
  readonly isWrapped: boolean;
  readonly configuration: string | null;
  readonly destinations: readonly KitFacts[];
}

export function instructions(kit: KitText): string {
  return `# Recovery

Made ${kit.madeAt} on ${plain(kit.host)} by ${kit.program}. With this folder, a copy of the backups and their key, everything comes back
on any machine: Holdfast is not needed, and neither is the network once the backups are there.

${warning(kit)}

## 1 · What you need

- **The key**, ${keyPlace(kit)}. Nobody can open the backups without it.
- **The backups**: ${kit.destinations.map(({ address }) => `\`${plain(address)}\``).join(', ')}.
- **One of two decoders**, both in this folder. They do the same and know nothing of each other:
  \`holdfast-decode.mjs\` needs Node 20 or newer; \`holdfast_decode.py\` needs Python 3.11 or newer with its package \`cryptography\`
  (\`apt-get install python3-cryptography\`, or \`pip install cryptography\`).

Below stands \`decode\`. Choose one of these lines once, in this folder:

\`\`\`sh
decode() { node ./holdfast-decode.mjs "$@"; }
decode() { python3 ./holdfast_decode.py "$@"; }
\`\`\`

and say where the key is:

\`\`\`sh
${keyLines(kit)}
\`\`\`

${kit.destinations.map((facts, i) => destinationText(facts, i, kit)).join('\n')}
${databaseText(kit)}
## When something is wrong

| it says | do |
|---|---|
| \`no key given opens this repository; it needs key …\` | find the key with that id: the ids stand in the tables above. A passphrase is taken to the letter. |
| \`… who is not among the signers\` | the backup was signed by somebody this kit does not know, such as a host that joined later. Leave \`--signers signers.json\` away if that is expected. |
| \`damaged: …\` | \`decode open\` with \`--keep-going\` brings back all that is whole and names the rest. Another copy of the named object (its name is the SHA-256 of its bytes) mends it. |
${headRow(kit)}${versionsRow(kit)}| zstd is slow in Python | install libzstd (\`apt-get install libzstd1\`), or use the other decoder. |

With Holdfast on the new machine (and the same key), \`holdfast list --repository ADDRESS\` and \`holdfast restore latest --repository ADDRESS --to FOLDER --confirm-restore\`
do the same, read S3 and SFTP directly, and load databases by themselves.

## What is in this folder

| file | what |
|---|---|
| \`kit.json\` | the facts of this page for programs |
| \`signers.json\` | public keys that signed the backups; compare the fingerprints with a printed copy |
| \`FORMAT.md\` | every byte of the format: enough to write another decoder |
${kit.configuration === null ? '' : `| \`${kit.configuration}\` | what was backed up, where to and how long it was kept; no secrets |\n`}${headFiles(kit)}${kit.keyFiles.map((name) => `| \`${name}\` | **the key**${kit.isWrapped ? ', wrapped under the passphrase of the kit' : ''} |\n`).join('')}
Make a new kit after every change of keys or hosts: \`holdfast doctor\` says when.
`;
}

/** Text of an operator within a page: nothing in it is markup. */
function plain(text: string): string {
  return text.replace(/[`|<>\r\n]/g, ' ');
}

function warning({ keyFiles, isWrapped }: KitText): string {
  if (keyFiles.length === 0) {
    return '**This kit holds no key.** Keep the key apart from it, and both away from the machine that makes the backups.';
  }
  const names = keyFiles.map((name) => `\`${name}\``).join(', ');
  if (isWrapped) {
    return `**This kit holds the key** (${names}), wrapped under a passphrase that is not in it. Keep the passphrase apart.`;
  }
  return `**THIS KIT HOLDS THE KEY** (${names}). Whoever has it and a copy of the backups reads everything in them. Print it, put it in a safe,
and delete this folder from every disk.`;
}

function keyPlace({ keyFiles, isWrapped }: KitText): string {
  if (keyFiles.length === 0)
    return 'which is not in this kit: a text that begins with `hfk1-`, or a passphrase';
  return isWrapped ? `in ${keyFiles.join(', ')}, and the passphrase of the kit` : `in ${keyFiles.join(', ')}`;
}

function keyLines({ keyFiles, isWrapped }: KitText): string {
  if (keyFiles.length === 0)
    return 'export BACKUP_ENCRYPTION_KEY_FILE=/path/of/the/key   # or BACKUP_ENCRYPTION_KEY=…';
  const file = `export BACKUP_ENCRYPTION_KEY_FILE=./${keyFiles[0]}`;
  const others = keyFiles.slice(1).map((name) => `#   or ./${name}`);
  const passphrase = isWrapped ? ['export HOLDFAST_KIT_PASSPHRASE=…   # the passphrase of the kit'] : [];
  return [file, ...others, ...passphrase].join('\n');
}

function destinationText(facts: KitFacts, index: number, kit: KitText): string {
  const title = kit.destinations.length === 1 ? '' : `: ${plain(facts.name ?? facts.address)}`;
  const number = index + 2;
  const isFolder = facts.fetch.length === 0;
  const place = isFolder ? quoted(facts.address.replace(/^file:\/\//, '')) : `./${facts.fetched}`;
  return `## ${number} · Open the backups${title}

${aboutDestination(facts)}
${fetchText(facts, place)}
List, check and open. The folder that is opened into must not be there yet:

\`\`\`sh
decode list ${place} --signers signers.json
decode check ${place} latest --signers signers.json
decode open ${place} latest ./${facts.opened} --signers signers.json
\`\`\`

Any id of the list, or its beginning, does instead of \`latest\`. \`--item NAME\` opens a single artifact.
${newestText(facts)}`;
}

const SLOT_KINDS = {
  raw: 'key (`hfk1-…`)',
  passphrase: 'passphrase',
  kms: 'key management service: only Holdfast can ask it',
};

/** A service that is gone, or refuses, would take everything with it; and a decoder cannot ask it. */
function kmsWarning(slots: readonly SlotInfo[]): string {
  const current = slots.filter((slot) => slot.current);
  if (current.length === 0 || current.some(({ kind }) => kind !== 'kms')) return '';
  return `
**Only a key management service opens this repository: the decoders cannot.** Add a key of your own (\`holdfast key add\`) and make a new kit.
`;
}

const PLAIN_WARNING =
  '**NOT ENCRYPTED**: no key is needed to read these backups, by anybody. Only the signature says who made them.\n\n';

function aboutDestination(facts: KitFacts): string {
  const { repository, address, backups, signers, layout, encryption } = facts;
  const made = signers.map(({ fingerprint, host }) => `| \`${fingerprint}\` | ${plain(host)} |`).join('\n');
  const signerTable = `| signed by (fingerprint) | host |\n|---|---|\n${made}\n`;
  if (repository === null) {
    return `\`${plain(address)}\`, one file for every backup (layout ${layout}): ${counted(backups)} when this was written.\n\n${encryption === 'none' ? PLAIN_WARNING : ''}${signerTable}`;
  }
  const { id, createdAt, epoch, slots } = repository;
  const rows = slots.map(
    (slot) =>
      `| \`${slot.keyId}\` | ${plain(slot.label)} | ${SLOT_KINDS[slot.kind]} | ${slot.current ? 'everything' : `up to epoch ${slot.epoch}`} | ${slot.createdAt.slice(0, 10)} |`,
  );
  return `\`${plain(address)}\`, repository \`${id}\`, made ${createdAt.slice(0, 10)}, epoch ${epoch}, ${counted(backups)} when this was written.

| key id | label | kind | opens | since |
|---|---|---|---|---|
${rows.join('\n')}
${kmsWarning(slots)}
${signerTable}`;
}

const counted = (backups: number) => (backups === 1 ? '1 backup' : `${backups} backups`);

function fetchText({ fetch, fetched, address }: KitFacts, place: string): string {
  if (fetch.length === 0) {
    return `The backups are a folder: mount the disk, or copy the folder. Where it is not \`${plain(address)}\`, write its place instead of \`${place}\` below.\n`;
  }
  const ways = fetch.map(({ tool, lines }) => `With ${tool}:\n\n\`\`\`sh\n${lines.join('\n')}\n\`\`\`\n`);
  return `Fetch the backups to \`./${fetched}\` first.\n\n${ways.join('\nor with another: ')}`;
}

function newestText({ newest }: KitFacts): string {
  if (newest.length === 0) return '\nThere was no complete backup yet.\n';
  const rows = newest.map(({ id, plan, tenantId, startedAt, artifacts }) => {
    const names = artifacts.map(({ name }) => plain(name)).join(', ');
    return `| \`${id}\` | ${startedAt.slice(0, 16).replace('T', ' ')} | ${plain(plan ?? '')}${tenantId === null ? '' : ` (tenant ${plain(tenantId)})`} | ${names} |`;
  });
  return `
The newest when this was written:

| backup | time (UTC) | plan | holds |
|---|---|---|---|
${rows.join('\n')}
`;
}

/** How what was opened is put to use, for the kinds of artifacts that are there. */
function databaseText({ destinations }: KitText): string {
  const rows = new Map<string, string>();
  for (const { newest, opened } of destinations) {
    for (const artifact of newest.flatMap((manifest) => manifest.artifacts)) {
      const how = howToUse(artifact, opened);
      if (how !== null && !rows.has(artifact.name)) {
        rows.set(artifact.name, `| \`${plain(artifact.name)}\` | ${how} |`);
      }
    }
  }
  if (rows.size === 0) return '';
  return `
## Put it to use

| artifact | do |
|---|---|
${[...rows.values()].join('\n')}
`;
}

function howToUse({ kind, name, form }: ManifestArtifact, opened: string): string | null {
  const file = quoted(`./${opened}/${name}`).replaceAll('|', ' ');
  if (kind === 'pg-globals') return `roles, before the databases: \`psql -d postgres -f ${file}\``;
  if (kind === 'pg-dump') {
    return `\`createdb NEW && pg_restore --exit-on-error -d NEW ${file}\`, with client tools as new as the server's or newer; then point the application at \`NEW\``;
  }
  if (kind === 'pg-csv') return `\`\\copy TABLE from ${file} csv\` in psql, after the schema was made`;
  if (kind === 'sqlite') {
    return `stop the application, move its old database away together with \`-wal\` and \`-shm\`, copy this one to its place, \`pragma integrity_check\``;
  }
  if (form === 'tree') return `copy to its place: \`cp -a ${file} …\` keeps owners, modes, times and links`;
  return kind === 'command' ? 'give it to the restore command of its source' : null;
}

const hasHead = ({ destinations }: KitText) => destinations.some(({ head }) => head.length > 0);

function headRow(kit: KitText): string {
  if (kit.keyFiles.length === 0 || !hasHead(kit)) return '';
  return '| `there is no key slot …`, `keyrings/… is missing`, `config is missing` | add `--kit .`: the copies in `heads/` stand in for them. |\n';
}

function versionsRow({ destinations }: KitText): string {
  if (!destinations.some(({ address }) => /^s3:/i.test(address))) return '';
  return '| backups were deleted or replaced in a bucket that keeps versions | `rclone copy` with `--s3-version-at 2026-01-31` fetches it as it was then |\n';
}

function headFiles(kit: KitText): string {
  if (kit.keyFiles.length === 0 || !hasHead(kit)) return '';
  return '| `heads/` | config, wrapped keys, keyrings and signers of each repository, as they lay there |\n';
}
