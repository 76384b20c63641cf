/** The tables of the invented shop: the same for PostgreSQL and SQLite. */
import { mix, type Random, randomOf } from '../random.ts';
import { capital, hex, name, prose, uuid, words } from './words.ts';

export type Value = number | string | Buffer | null;

export interface Column {
  readonly name: string;
  readonly postgres: string;
  readonly sqlite: 'integer' | 'real' | 'text' | 'blob';
}

export interface Table {
  readonly name: string;
  /** Its part of the size of everything. */
  readonly share: number;
  readonly columns: readonly Column[];
  /** Column lists; the first column is the primary key. */
  readonly indexes: readonly { columns: string; unique?: true }[];
  readonly references?: Readonly<Record<string, string>>;
  /** Values of row `n`, from 1, in the order of the columns. `rowsOf` tells how many rows another table has. */
  row(n: number, random: Random, rowsOf: (table: string) => number): Value[];
  /** What an update sets. */
  readonly edited: readonly string[];
  edit(random: Random): Value[];
}

const COLUMN = /^(\w+) (.+)$/;
const SQLITE_TYPES: Readonly<Record<string, Column['sqlite']>> = {
  bigint: 'integer',
  int: 'integer',
  smallint: 'integer',
  boolean: 'integer',
  bytea: 'blob',
  'double precision': 'real',
};

const columns = (...texts: string[]): Column[] =>
  texts.map((text) => {
    const [, column, type] = COLUMN.exec(text)!;
    return { name: column!, postgres: type!, sqlite: SQLITE_TYPES[type!.split(' not ')[0]!] ?? 'text' };
  });

const FIRST_DAY_MS = Date.UTC(2025, 0, 1);
const EDIT_DAY_MS = Date.UTC(2026, 9, 1);
const DAY_MS = 86_400_000;
const STATUSES = ['new', 'paid', 'packed', 'shipped', 'delivered', 'returned', 'cancelled'];
const CHANNELS = ['web', 'shop', 'phone', 'partner', 'app'];
const CURRENCIES = ['EUR', 'EUR', 'EUR', 'USD', 'GBP', 'CHF'];
const KINDS = [
  'created',
  'payment_received',
  'label_printed',
  'picked',
  'handed_over',
  'delivered',
  'note_added',
];

/** ISO 8601 with milliseconds, as both databases take it. */
const time = (ms: number) => new Date(ms).toISOString().replace('T', ' ').replace('Z', '+00');
const money = (random: Random, most: number) => (random.fraction() ** 3 * most + 1).toFixed(2);
const editTime = (random: Random) => time(EDIT_DAY_MS + random.integer(DAY_MS));
const address = (random: Random) =>
  JSON.stringify({
    street: `${name(random)} ${1 + random.integer(180)}`,
    city: name(random),
    zip: String(10_000 + random.integer(89_999)),
    country: random.pick(['DE', 'FR', 'NL', 'AT', 'GB', 'IT']),
  });

const orders: Table = {
  name: 'orders',
  share: 0.66,
  columns: columns(
    'id bigint',
    'public_id uuid not null',
    'customer_id bigint not null',
    'product_id int not null',
    'status text not null',
    'channel text not null',
    'placed_at timestamptz not null',
    'updated_at timestamptz not null',
    'amount numeric(12,2) not null',
    'tax numeric(12,2)',
    'currency text not null',
    'quantity smallint not null',
    'weight_kg double precision',
    'gift boolean not null',
    'delivery jsonb not null',
    'note text',
  ),
  indexes: [
    { columns: 'public_id', unique: true },
    { columns: 'customer_id' },
    { columns: 'placed_at' },
    { columns: 'status, updated_at' },
  ],
  references: { customer_id: 'customers', product_id: 'products' },
  row(n, random, rowsOf) {
    const placedMs = FIRST_DAY_MS + n * 17_000 + random.integer(16_000);
    const amount = money(random, 900);
    const delivery = JSON.stringify({
      carrier: random.pick(['dhl', 'ups', 'post', 'pickup']),
      tracking: random.integer(5) === 0 ? null : String(random.integer(2 ** 32)).padStart(12, '0'),
      window: { from: 8 + random.integer(6), to: 14 + random.integer(6) },
      tags: random.integer(3) === 0 ? [words(random, 1), words(random, 1)] : [],
    });
    return [
      n,
      uuid(random),
      1 + random.integer(rowsOf('customers')),
      1 + random.integer(rowsOf('products')),
      random.pick(STATUSES),
      random.pick(CHANNELS),
      time(placedMs),
      time(placedMs + random.integer(9 * DAY_MS)),
      amount,
      random.integer(8) === 0 ? null : (Number(amount) * 0.19).toFixed(2),
      random.pick(CURRENCIES),
      1 + random.integer(5),
      random.integer(3) === 0 ? null : random.integer(20_000) / 1000,
      random.integer(12) === 0 ? 1 : 0,
      delivery,
      random.integer(3) === 0 ? null : words(random, 3 + random.integer(30)),
    ];
  },
  edited: ['status', 'updated_at', 'amount', 'note'],
  edit: (random) => [
    random.pick(STATUSES),
    editTime(random),
    money(random, 900),
    words(random, 3 + random.integer(20)),
  ],
};

const orderEvents: Table = {
  name: 'order_events',
  share: 0.18,
  columns: columns(
    'id bigint',
    'order_id bigint not null',
    'kind text not null',
    'at timestamptz not null',
    'actor text',
    'payload jsonb',
  ),
  indexes: [{ columns: 'order_id' }, { columns: 'at' }],
  references: { order_id: 'orders' },
  row: (n, random, rowsOf) => [
    n,
    1 + random.integer(rowsOf('orders')),
    random.pick(KINDS),
    time(FIRST_DAY_MS + n * 9000 + random.integer(8000)),
    random.integer(2) === 0 ? null : `user-${random.integer(400)}`,
    random.integer(3) === 0
      ? null
      : JSON.stringify({ station: random.integer(40), ok: true, ref: hex(random, 10) }),
  ],
  edited: ['actor'],
  edit: (random) => [`user-${random.integer(400)}`],
};

const documents: Table = {
  name: 'documents',
  share: 0.1,
  columns: columns(
    'id bigint',
    'customer_id bigint not null',
    'title text not null',
    'body text not null',
    'digest bytea not null',
    'created_at timestamptz not null',
  ),
  indexes: [{ columns: 'customer_id' }],
  references: { customer_id: 'customers' },
  row: (n, random, rowsOf) => [
    n,
    1 + random.integer(rowsOf('customers')),
    capital(words(random, 4)),
    prose(random, 600 + Math.floor(random.fraction() ** 3 * 9000)),
    Buffer.from(hex(random, 64), 'hex'),
    time(FIRST_DAY_MS + n * 60_000),
  ],
  edited: ['title', 'digest'],
  edit: (random) => [capital(words(random, 4)), Buffer.from(hex(random, 64), 'hex')],
};

const customers: Table = {
  name: 'customers',
  share: 0.05,
  columns: columns(
    'id bigint',
    'email text not null',
    'full_name text not null',
    'phone text',
    'address jsonb not null',
    'balance numeric(12,2) not null',
    'created_at timestamptz not null',
  ),
  indexes: [{ columns: 'email', unique: true }],
  row: (n, random) => [
    n,
    `${name(random).toLowerCase()}.${n}@example.com`,
    `${name(random)} ${name(random)}`,
    random.integer(3) === 0 ? null : `+49 ${random.integer(2 ** 32)}`,
    address(random),
    money(random, 300),
    time(FIRST_DAY_MS + n * 120_000),
  ],
  edited: ['balance', 'address'],
  edit: (random) => [money(random, 300), address(random)],
};

const products: Table = {
  name: 'products',
  share: 0.01,
  columns: columns(
    'id int',
    'sku text not null',
    'title text not null',
    'description text not null',
    'price numeric(12,2) not null',
    'attributes jsonb not null',
  ),
  indexes: [{ columns: 'sku', unique: true }],
  row: (n, random) => [
    n,
    `SKU-${n}-${hex(random, 4)}`,
    capital(words(random, 3)),
    prose(random, 200),
    money(random, 400),
    JSON.stringify({ colour: words(random, 1), size: random.integer(60), stock: random.integer(900) }),
  ],
  edited: ['price'],
  edit: (random) => [money(random, 400)],
};

/** Referenced tables first. */
export const TABLES: readonly Table[] = [customers, products, orders, orderEvents, documents];

export const tableSeed = (table: Table, seed: number) => mix(seed, TABLES.indexOf(table));

export const rowOf = (table: Table, n: number, seed: number, rowsOf: (table: string) => number) =>
  table.row(n, randomOf(tableSeed(table, seed), n), rowsOf);

/** The new values of the edited columns, other ones in every round. */
export const editOf = (table: Table, n: number, seed: number, round: number) =>
  table.edit(randomOf(tableSeed(table, seed), n, 1000 + round));
