import type { Command } from 'commander';
import { type Action, type Cli, type CommandResult, examples } from '../cli.ts';
import { type Discovered, discoverAll, type FoundOne } from '../discovered.ts';
import { formatCount, formatSize, formatTime, printable } from '../format.ts';
import { warnAboutPassword } from '../mask.ts';
import { type Column, renderTable } from '../table.ts';

type OfServer = Extract<FoundOne, { kind: 'postgres' }>;
type OfFolder = Extract<FoundOne, { kind: 'sqlite' }>;

export function addDiscover(program: Command, action: Action): void {
  program
    .command('discover')
    .description('find databases: all of a PostgreSQL server, every SQLite file below a folder')
    .argument('<place...>', 'postgres:// addresses, whose database need not exist, and folders')
    .option('--yaml', 'write them as sources for holdfast.yaml instead')
    .addHelpText(
      'after',
      `${examples(
        'holdfast discover postgres://backup@db.internal',
        'holdfast discover "$DATABASE_URL" /srv --yaml > found.yaml',
        'holdfast discover /var/www --json',
      )}
SQLite files are recognised by their header, whatever their name; links are not followed. Passwords come from PGPASSWORD or
~/.pgpass as for backup, and never stand in what is written.
`,
    )
    .action(action(discover));
}

async function discover(
  cli: Cli,
  places: readonly string[],
  options: { readonly yaml?: boolean },
): Promise<CommandResult> {
  for (const place of places) warnAboutPassword(cli, place);
  const found = await discoverAll(cli, places);
  tellGaps(cli, found);
  return { json: found, text: options.yaml ? await asYaml(found) : asTables(found) };
}

const LIMITS = {
  depth: 'folders that lie too deep were not looked into',
  entries: 'the search ended after five million files and folders',
  found: 'the search ended after ten thousand databases',
} as const;
/** Whoever wants to know them all takes --json. */
const TOLD = 20;

function tellGaps(cli: Cli, { unreadable, limits }: Discovered): void {
  for (const { path, cause } of unreadable.slice(0, TOLD))
    cli.note(`warning: ${path} cannot be read: ${cause}`);
  if (unreadable.length > TOLD) cli.note(`warning: and ${unreadable.length - TOLD} more, see --json`);
  for (const limit of limits) cli.note(`warning: ${LIMITS[limit]}; name a smaller folder`);
}

const SIZE = {
  title: 'SIZE',
  value: ({ sizeBytes }: FoundOne) => (sizeBytes === null ? '?' : formatSize(sizeBytes)),
  align: 'right',
} as const;

const OF_SERVER: readonly Column<OfServer>[] = [
  { title: 'DATABASE', value: ({ name }) => name },
  SIZE,
  { title: 'OWNER', value: ({ owner }) => owner },
  { title: 'ENCODING', value: ({ encoding }) => encoding },
  {
    title: 'CAN BE BACKED UP',
    value: ({ problem, mayRead }) => problem ?? (mayRead ? 'yes' : 'not looked at'),
  },
];

const OF_FOLDER: readonly Column<OfFolder>[] = [
  { title: 'FILE', value: ({ path, problem }) => (problem === null ? path : `${path} (${problem})`) },
  SIZE,
  { title: 'CHANGED', value: ({ modifiedAt }) => formatTime(Date.parse(modifiedAt)) },
  { title: 'JOURNAL', value: ({ journalMode }) => journalMode ?? '?' },
];

function asTables({ databases }: Discovered): string {
  if (databases.length === 0) return 'no databases\n';
  const ofServer = databases.filter((one) => one.kind === 'postgres');
  const parts = [...new Set(ofServer.map(({ server }) => server))].map((server) => {
    const rows = ofServer.filter((one) => one.server === server);
    return `${printable(server)}: ${formatCount(rows.length, 'database')}\n${renderTable(OF_SERVER, rows)}`;
  });
  const files = databases.filter((one) => one.kind === 'sqlite');
  if (files.length > 0) parts.push(renderTable(OF_FOLDER, files));
  return parts.join('\n');
}

/** Ready to stand in `holdfast.yaml`; what cannot be backed up is a comment. */
async function asYaml({ databases, sources }: Discovered): Promise<string> {
  const { stringify } = await import('yaml');
  const left = databases
    .filter(({ source }) => source === null)
    .map(
      (one) =>
        `# left out: ${printable(one.kind === 'postgres' ? one.name : one.path)}: ${printable(one.problem ?? '')}\n`,
    );
  return left.join('') + stringify({ sources }, { lineWidth: 0 });
}
