import { readFileSync } from 'node:fs';

/** What the description says about the whole interface. */
export function openApiFrame() {
  const { version } = JSON.parse(readFileSync(new URL('../../../package.json', import.meta.url), 'utf8')) as {
    version: string;
  };
  return {
    openapi: '3.1.0',
    info: {
      title: 'Holdfast',
      version,
      description:
        'Backup and recovery. Fields are in snake_case; the bodies of plans, sources and destinations are those of holdfast.yaml. Times are ISO 8601 in UTC. Errors are problem documents (RFC 9457) whose `code` is listed in docs/errors.md.',
    },
    tags: [...TAGS],
    components: {
      securitySchemes: {
        token: { type: 'http' as const, scheme: 'bearer', description: 'An API token, hft_…' },
        session: { type: 'apiKey' as const, in: 'cookie' as const, name: '__Host-holdfast' },
        setup: { type: 'http' as const, scheme: 'bearer', description: 'The setup token of the console' },
      },
    },
  };
}

const TAGS = [
  { name: 'setup', description: 'Before the server has an owner' },
  { name: 'session', description: 'Logging in, and what concerns oneself' },
  { name: 'access', description: 'Users and tokens' },
  { name: 'configuration', description: 'Plans, sources, destinations, settings, tenants' },
  { name: 'backups', description: 'Backups and restores' },
  { name: 'jobs', description: 'What runs, ran, and is to run' },
  { name: 'administration', description: 'The interface of the backups page' },
  { name: 'functions', description: 'The interface by tenant and type' },
  { name: 'server', description: 'About the server itself' },
];
