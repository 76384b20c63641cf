import type { Command } from 'commander';
import { type Action, type Cli, type CommandResult, examples } from '../cli.ts';
import { homeFolder } from '../settings.ts';

export function addAccess(program: Command, action: Action): void {
  const access = program.command('access').description('let somebody into the server who is locked out');
  access
    .command('login-code')
    .description('print a code that logs a user in once, within 10 minutes, without the password')
    .argument('<user>', 'the name of the user')
    .addHelpText(
      'after',
      `
Run it on the machine of the server, as the user who runs it. It works however many wrong passwords were sent
before. Send the code to POST /api/v1/session/code, then change the password.
${examples('holdfast access login-code owner@example.org')}`,
    )
    .action(action(loginCode));
}

async function loginCode(cli: Cli, user: string): Promise<CommandResult> {
  const { catalogAddress } = await import('../../server/service.ts');
  const { openCatalog } = await import('../../server/catalog/catalog.ts');
  const { newLoginCode } = await import('../../server/access/setup.ts');
  const { environment } = cli.io;
  const catalog = await openCatalog(catalogAddress({ environment, home: homeFolder(cli.io) }));
  try {
    const code = await newLoginCode(catalog, user);
    return { json: { user, loginCode: code }, text: `${code}\n`, revealsSecret: true };
  } finally {
    await catalog.close();
  }
}
