/** What lies in deploy/ is checked by the tools that will read it, or against what it refers to. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, globSync, readFileSync, statSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { before, type TestContext, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { parse } from 'yaml';
import { DEFAULT_DRILL_ROOT } from '../../src/engine/operations/drill/drill-folder.ts';
import { METRIC_LIST } from '../../src/server/monitoring/metrics.ts';
import { ensurePromtool } from '../support/ensure-promtool.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const root = fileURLToPath(new URL('../../', import.meta.url));
const deploy = (...names: string[]) => join(root, 'deploy', ...names);
const text = (...names: string[]) => readFileSync(deploy(...names), 'utf8');
const json = (...names: string[]) => JSON.parse(text(...names)) as Record<string, never>;

let promtool = '';
before(() => {
  promtool = ensurePromtool();
});

function run(program: string, ...args: string[]) {
  const { status, stdout, stderr } = spawnSync(program, args, { encoding: 'utf8' });
  return { status, said: `${stdout}${stderr}` };
}

test('Prometheus: rules and configuration are valid, and every alert fires and is silent as it should', async (t) => {
  const rules = run(promtool, 'check', 'rules', deploy('prometheus', 'holdfast.rules.yml'));
  assert.equal(rules.status, 0, rules.said);
  const tests = run(promtool, 'test', 'rules', deploy('prometheus', 'holdfast.rules.test.yml'));
  assert.equal(tests.status, 0, tests.said);
  const folder = await temporaryFolder(t);
  await writeFile(join(folder, 'token'), 'x');
  await writeFile(join(folder, 'holdfast.rules.yml'), text('prometheus', 'holdfast.rules.yml'));
  const config = text('prometheus', 'prometheus.yml').replace('/etc/prometheus/holdfast.token', 'token');
  await writeFile(join(folder, 'prometheus.yml'), config);
  const checked = run(promtool, 'check', 'config', join(folder, 'prometheus.yml'));
  assert.equal(checked.status, 0, checked.said);
  const { groups } = parse(text('prometheus', 'holdfast.rules.yml')) as {
    groups: { rules: { alert: string }[] }[];
  };
  const names = groups.flatMap(({ rules: list }) => list.map(({ alert }) => alert));
  const fired = text('prometheus', 'holdfast.rules.test.yml');
  const untested = names.filter((name) => !new RegExp(`alertname: ${name}\\n +exp_alerts:\\n`).test(fired));
  assert.deepEqual(untested, []);
});

test('Prometheus: a rule that is turned round fails its tests (control)', async (t) => {
  const folder = await temporaryFolder(t);
  const broken = text('prometheus', 'holdfast.rules.yml').replace(
    'holdfast_backup_healthy == 0',
    'holdfast_backup_healthy == 1',
  );
  await writeFile(join(folder, 'holdfast.rules.yml'), broken);
  await writeFile(join(folder, 'holdfast.rules.test.yml'), text('prometheus', 'holdfast.rules.test.yml'));
  assert.notEqual(run(promtool, 'test', 'rules', join(folder, 'holdfast.rules.test.yml')).status, 0);
});

/** Metrics that an expression or a text speaks of. */
const metricsIn = (expression: string) => expression.match(/\bholdfast_[a-z_]+/g) ?? [];
const known = new Set(METRIC_LIST.map(({ name }) => name));

test('Grafana: every query is one that Prometheus understands, about metrics that are there', async (t) => {
  const { panels, templating } = json('grafana', 'holdfast.json') as unknown as {
    panels: { id: number; title: string; gridPos: { x: number; w: number }; targets: { expr: string }[] }[];
    templating: { list: { query: string | { query: string } }[] };
  };
  const expressions = panels.flatMap(({ targets }) => targets.map(({ expr }) => expr));
  assert.ok(expressions.length >= 15);
  const rules = expressions.map((expr, i) => ({
    record: `panel:${i}`,
    expr: expr.replace(/\$(tenant|plan)/g, '.*'),
  }));
  const file = join(await temporaryFolder(t), 'panels.yml');
  await writeFile(file, JSON.stringify({ groups: [{ name: 'panels', rules }] }));
  const checked = run(promtool, 'check', 'rules', file);
  assert.equal(checked.status, 0, checked.said);
  const variables = templating.list.map(({ query }) => JSON.stringify(query));
  const named = [...expressions, ...variables].flatMap(metricsIn);
  assert.deepEqual(
    named.filter((name) => !known.has(name)),
    [],
  );
  assert.equal(new Set(panels.map(({ id }) => id)).size, panels.length);
  assert.ok(panels.every(({ gridPos: { x, w } }) => x + w <= 24));
});

test('Datadog: every metric is collected, and the dashboard asks for none that is not', () => {
  const config = parse(text('datadog', 'openmetrics.yaml')) as {
    instances: { metrics: Record<string, string>[] }[];
  };
  const mapped = new Map(config.instances[0]!.metrics.flatMap((one) => Object.entries(one)));
  // The agent knows counters by their names without _total, and adds .count.
  assert.deepEqual([...mapped.keys()].sort(), [...known].map((name) => name.replace(/_total$/, '')).sort());
  const asked = [...text('datadog', 'holdfast.json').matchAll(/holdfast\.([a-z_.]+)\{/g)].map(([, name]) =>
    name!.replace(/\.count$/, ''),
  );
  assert.ok(asked.length > 10);
  const names = new Set(mapped.values());
  assert.deepEqual(
    asked.filter((name) => !names.has(name)),
    [],
  );
});

async function unitFolder(
  t: TestContext,
  change: (unit: string) => string = (unit) => unit,
): Promise<string[]> {
  const folder = await temporaryFolder(t);
  const files: string[] = [];
  for (const file of globSync(deploy('systemd', '*.service'))) {
    const unit = change(await readFile(file, 'utf8')).replaceAll(/^ExecStart=\S+/gm, 'ExecStart=/bin/true');
    const name = join(folder, basename(file).replace('@', '@second'));
    await writeFile(name, unit);
    files.push(name);
  }
  assert.equal(files.length, 2);
  return files;
}

test('systemd: the units are valid, and leave little open', async (t) => {
  const files = await unitFolder(t);
  const verified = run('systemd-analyze', 'verify', ...files);
  assert.deepEqual(verified, { status: 0, said: '' });
  for (const file of files) {
    const security = run('systemd-analyze', 'security', '--offline=true', '--threshold=30', file);
    assert.equal(security.status, 0, security.said.slice(-300));
  }
  for (const broken of await unitFolder(t, (unit) =>
    unit.replace('Type=exec', 'Typo=exec\nProtectSystem=maybe'),
  )) {
    assert.notEqual(run('systemd-analyze', 'verify', broken).said, '', 'control');
  }
});

test('container: it copies what is there, runs as nobody in particular, and holds no secret', () => {
  const dockerfile = text('Dockerfile');
  const copied = [...dockerfile.matchAll(/^COPY (?!--from)(.+) \S+$/gm)].flatMap(([, sources]) =>
    sources!.split(' '),
  );
  assert.ok(copied.length >= 8);
  assert.deepEqual(
    copied.filter((name) => !existsSync(join(root, name))),
    [],
  );
  const ignored = readFileSync(join(root, '.dockerignore'), 'utf8').split('\n');
  assert.deepEqual(
    copied.filter((name) => ignored.includes(name)),
    [],
  );
  assert.match(dockerfile, /^USER 10001$/m);
  assert.match(dockerfile, /^FROM node:24-/m);
  const { services, secrets } = parse(text('compose.yaml')) as {
    services: Record<
      string,
      {
        environment?: Record<string, string>;
        secrets?: string[];
        read_only?: boolean;
        cap_drop?: string[];
        volumes?: string[];
      }
    >;
    secrets: Record<string, unknown>;
    volumes: Record<string, unknown>;
  };
  for (const [name, { environment = {}, secrets: used = [] }] of Object.entries(services)) {
    assert.deepEqual(
      used.filter((one) => !(one in secrets)),
      [],
      name,
    );
    const literal = Object.entries(environment).filter(
      ([key, value]) => /KEY|PASSWORD|URL/.test(key) && !/^(\/run\/secrets\/|\$\{)/.test(value),
    );
    assert.deepEqual(literal, [], name);
  }
  for (const name of ['holdfast', 'worker']) {
    assert.deepEqual([services[name]!.read_only, services[name]!.cap_drop], [true, ['ALL']]);
  }
});

test('systemd: what the units start and name is where the manual installs it', () => {
  const manual = readFileSync(join(root, 'docs', 'operations.md'), 'utf8');
  const place = /^git clone \S+ (\/\S+) && /m.exec(manual)![1]!;
  for (const file of globSync(deploy('systemd', '*.service'))) {
    const unit = readFileSync(file, 'utf8');
    const [program, pages] = [/^ExecStart=(\S+)/m, /^Documentation=file:\/\/(\S+)/m].map(
      (line) => line.exec(unit)![1]!,
    );
    for (const path of [program!, pages!]) {
      assert.ok(path.startsWith(`${place}/`), `${path} is not below ${place}`);
      assert.ok(existsSync(join(root, path.slice(place.length))), path);
    }
    assert.ok(statSync(join(root, program!.slice(place.length))).mode & 0o100, program);
    const user = /^User=(\S+)$/m.exec(unit)![1]!;
    assert.match(manual, new RegExp(`^useradd .* ${user}$`, 'm'));
    for (const [, from] of unit.matchAll(/(\/etc\/holdfast\/[\w.]+)/g)) {
      assert.ok(manual.includes(from!), `the manual never makes ${from}`);
    }
    // A temporary place of its own is writable, and drills want one.
    assert.match(unit, /^PrivateTmp=yes$/m);
  }
  assert.match(manual, /^cp deploy\/systemd\/holdfast\.service \/etc\/systemd\/system\/ /m);
});

interface Container {
  readonly image?: string;
  readonly read_only?: boolean;
  readonly tmpfs?: readonly string[];
  readonly volumes?: readonly string[];
}

/** What the two files do not agree about; nothing when they do. */
function disagreements(dockerfile: string, compose: string): string[] {
  const services = (parse(compose) as { services: Record<string, Container> }).services;
  const found: string[] = [];
  const say = (isWrong: boolean, what: string) => isWrong && found.push(what);
  const home = /^ENV .*\bHOLDFAST_HOME=(\S+)/m.exec(dockerfile)![1]!;
  const made = /install -d [^/]*(\/.+?) *\\?$/m.exec(dockerfile)![1]!.split(' ');
  const keyVolumes = new Set<string | undefined>();
  for (const name of ['holdfast', 'worker']) {
    const { volumes = [], tmpfs = [], read_only } = services[name]!;
    const mounts = new Map(volumes.map((volume) => [volume.split(':')[1]!, volume.split(':')[0]!]));
    for (const place of [home, DEFAULT_DRILL_ROOT, '/backups']) {
      say(!mounts.has(place), `${name}: ${place} is written to and no volume`);
    }
    say(!tmpfs.includes('/tmp'), `${name}: /tmp cannot be written to`);
    say(!read_only, `${name}: not read-only`);
    // A new volume takes the owner of the folder in the image; /var/tmp is everybody's.
    for (const place of mounts.keys()) {
      say(place !== DEFAULT_DRILL_ROOT && !made.includes(place), `${name}: ${place} would be root's`);
    }
    keyVolumes.add(mounts.get(`${home}/ledger-keys`));
  }
  say(keyVolumes.size !== 1 || keyVolumes.has(undefined), 'the worker cannot sign for the ledger');
  const programs = Number(/^ARG POSTGRES_MAJOR=(\d+)$/m.exec(dockerfile)?.[1]);
  const server = Number(/^postgres:(\d+)/.exec(services.postgres!.image!)![1]);
  say(!(programs >= server), `pg_dump ${programs} does not read PostgreSQL ${server}`);
  // Drills want the server's programs of the version that backups are of.
  say(programs !== server, `no drill of PostgreSQL ${server} with programs of ${programs}`);
  for (const wanted of ['postgresql-client-${POSTGRES_MAJOR}', 'postgresql-${POSTGRES_MAJOR}']) {
    say(!dockerfile.includes(` ${wanted}`), `${wanted} is not installed`);
  }
  const debians = [...dockerfile.matchAll(/^FROM node:24-(\w+)-slim/gm)].map(([, debian]) => debian!);
  say(new Set(debians).size !== 1, `built on ${debians.join(' and ')}`);
  say(POSTGRES_OF_DEBIAN[debians.at(-1)!] !== programs, `Debian has another PostgreSQL than ${programs}`);
  return found;
}

/** The one version of PostgreSQL that a Debian has packages of. */
const POSTGRES_OF_DEBIAN: Readonly<Record<string, number>> = { bookworm: 15, trixie: 17 };

test('container and compose agree: what is written to, the programs of PostgreSQL, the keys of the ledger', () => {
  const [dockerfile, compose] = [text('Dockerfile'), text('compose.yaml')];
  assert.deepEqual(disagreements(dockerfile, compose), []);
  const cases: [file: 'image' | 'compose', from: RegExp | string, to: string, said: RegExp][] = [
    ['compose', /- scratch:\/var\/tmp/, '- scratch:/scratch', /holdfast: \/var\/tmp is written to/],
    ['compose', /(worker:[\s\S]*)- ledger-keys:\/data\/ledger-keys/, '$1', /cannot sign/],
    ['compose', 'postgres:17-', 'postgres:18-', /pg_dump 17 does not read PostgreSQL 18/],
    ['image', /trixie/g, 'bookworm', /Debian has another/],
    ['image', ' postgresql-${POSTGRES_MAJOR}', '', /is not installed/],
    ['image', ' /data/ledger-keys', '', /would be root's/],
  ];
  for (const [file, from, to, said] of cases) {
    const broken = (file === 'image' ? dockerfile : compose).replace(from, to);
    const found = file === 'image' ? disagreements(broken, compose) : disagreements(dockerfile, broken);
    assert.match(found.join('\n'), said, 'control');
  }
});

test('docs/metrics.md lists exactly the metrics there are', () => {
  const manual = readFileSync(join(root, 'docs', 'metrics.md'), 'utf8');
  const rows = [...manual.matchAll(/^\| `(holdfast_\w+)` \| (\w+) \| ([^|]*) \| (.+) \|$/gm)];
  assert.deepEqual(
    rows.map(([, name, kind, labels, help]) => ({
      name,
      kind,
      labelNames: labels!
        .split(', ')
        .map((label) => label.trim())
        .filter((label) => label !== ''),
      help,
    })),
    METRIC_LIST.map(({ name, kind, labelNames, help }) => ({
      name,
      kind,
      labelNames: [...labelNames],
      help,
    })),
  );
});
