import type { CopySchema, CopyTable } from './copy-schema.ts';
import { quoteName, quoteQualified, quoteText } from './quote.ts';

/** What must be there before rows: extensions, schemas, types, sequences, functions, tables. */
export function schemaStatements(schema: CopySchema): string[] {
  return [
    ...schema.schemas.map((name) => `create schema if not exists ${quoteName(name)}`),
    ...schema.extensions.map(
      ({ name, schema: home }) =>
        `create extension if not exists ${quoteName(name)} schema ${quoteName(home)}`,
    ),
    ...schema.types.map(typeStatement),
    ...schema.sequences
      .filter((sequence) => !sequence.identity)
      .map(({ schema: home, name, options }) => `create sequence ${quoteQualified(home, name)} ${options}`),
    ...schema.functions,
    ...schema.tables.map((table) => tableStatement(schema, table)),
  ];
}

/** Keys first, then what refers to them. */
export function constraintStatements(schema: CopySchema): string[] {
  const all = schema.tables.flatMap((table) =>
    table.constraints.map((constraint) => ({
      foreign: constraint.kind === 'f',
      sql: `alter table ${quoteQualified(table.schema, table.name)} add constraint ${quoteName(constraint.name)} ${constraint.definition}`,
    })),
  );
  return [...all.filter((one) => !one.foreign), ...all.filter((one) => one.foreign)].map((one) => one.sql);
}

/** Ownership of sequences, indexes, views and triggers. */
export function finishStatements(schema: CopySchema): string[] {
  return [
    ...schema.sequences.flatMap(({ schema: home, name, ownedBy, identity }) =>
      ownedBy === null || identity
        ? []
        : `alter sequence ${quoteQualified(home, name)} owned by ${quoteQualified(ownedBy.schema, ownedBy.table)}.${quoteName(ownedBy.column)}`,
    ),
    ...schema.indexes,
    ...schema.views.map(
      ({ schema: home, name, definition }) => `create view ${quoteQualified(home, name)} as ${definition}`,
    ),
    ...schema.triggers,
  ];
}

function typeStatement(type: CopySchema['types'][number]): string {
  const name = quoteQualified(type.schema, type.name);
  if (type.labels !== null) return `create type ${name} as enum (${type.labels.map(quoteText).join(', ')})`;
  return type.baseType === null
    ? `create type ${name} as enum ()`
    : `create domain ${name} as ${type.baseType} ${type.constraints ?? ''}`;
}

function tableStatement(schema: CopySchema, table: CopyTable): string {
  const name = quoteQualified(table.schema, table.name);
  const key = table.partitionKey === null ? '' : ` partition by ${table.partitionKey}`;
  if (table.partitionOf) {
    const parent = quoteQualified(table.partitionOf.schema, table.partitionOf.name);
    return `create table ${name} partition of ${parent} ${table.partitionOf.bound}${key}`;
  }
  const columns = table.columns.map((column) => columnText(schema, table, column));
  return `create table ${name} (${columns.join(', ')})${key}`;
}

function columnText(schema: CopySchema, table: CopyTable, column: CopyTable['columns'][number]): string {
  const parts = [quoteName(column.name), column.type];
  if (column.generated) parts.push(`generated always as (${column.default}) stored`);
  else if (column.default !== null) parts.push(`default ${column.default}`);
  if (column.identity !== '') parts.push(identityText(schema, table, column));
  if (column.notNull) parts.push('not null');
  return parts.join(' ');
}

function identityText(schema: CopySchema, table: CopyTable, column: CopyTable['columns'][number]): string {
  const sequence = schema.sequences.find(
    ({ identity, ownedBy }) =>
      identity &&
      ownedBy?.schema === table.schema &&
      ownedBy.table === table.name &&
      ownedBy.column === column.name,
  );
  const always = column.identity === 'a' ? 'always' : 'by default';
  // The type of the sequence follows from the column.
  const options = sequence
    ? ` (sequence name ${quoteQualified(sequence.schema, sequence.name)} ${sequence.options.replace(/^as \S+ /, '')})`
    : '';
  return `generated ${always} as identity${options}`;
}
