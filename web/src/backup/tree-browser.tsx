import './backup.css';
import { Button, Group, Select, TextInput } from '@mantine/core';
import { Link } from '@tanstack/react-router';
import { type FormEvent, useEffect, useRef, useState } from 'react';
import { fileUrl, type TreeItem, type TreePlace, useTree } from '../api/content.ts';
import { type Column, DataTable, moreOf } from '../parts/data-table.tsx';
import { useMay } from '../parts/may.ts';
import { Panel } from '../parts/panel.tsx';
import { ProblemNote } from '../parts/problem-note.tsx';
import { When } from '../parts/when.tsx';
import { useLanguage, useTexts } from '../texts/texts.ts';
import { sizeText } from '../texts/values.ts';
import { useDownload } from './download-file.ts';

interface TreeBrowserProps {
  readonly id: string;
  /** The names of its trees, at least one. */
  readonly trees: readonly string[];
}

/** Folder by folder through a file tree of a backup, or by name; single files can be fetched. */
export function TreeBrowser({ id, trees }: TreeBrowserProps) {
  const t = useTexts();
  const [place, setPlace] = useState<TreePlace>({ artifact: trees[0]!, path: '', search: '' });
  const go = (path: string) => setPlace({ ...place, path, search: '' });
  return (
    <Panel
      title={t('tree.title')}
      flush
      actions={
        trees.length > 1 && (
          <Select
            size="xs"
            aria-label={t('tree.artifact')}
            allowDeselect={false}
            data={[...trees]}
            value={place.artifact}
            onChange={(artifact) => artifact && setPlace({ artifact, path: '', search: '' })}
          />
        )
      }
    >
      <Group p="sm" gap="sm" justify="space-between">
        <Crumbs place={place} onGo={go} />
        <Find
          key={`${place.artifact} ${place.path}`}
          isOn={place.search !== ''}
          onFind={(search) => setPlace({ ...place, search })}
        />
      </Group>
      <Entries id={id} place={place} onGo={go} />
    </Panel>
  );
}

interface CrumbsProps {
  readonly place: TreePlace;
  readonly onGo: (path: string) => void;
}

/** The way from the root to here. Takes the focus in a new folder, since what was pressed is gone. */
function Crumbs({ place: { artifact, path }, onGo }: CrumbsProps) {
  const t = useTexts();
  const here = useRef<HTMLSpanElement>(null);
  const before = useRef(path);
  useEffect(() => {
    if (before.current !== path) here.current?.focus();
    before.current = path;
  }, [path]);
  const parts = path === '' ? [] : path.split('/');
  const steps = [artifact, ...parts].map((name, i) => ({ name, to: parts.slice(0, i).join('/') }));
  return (
    <nav aria-label={t('tree.where')} className="crumbs code">
      {steps.map(({ name, to }, i) =>
        i === steps.length - 1 ? (
          <span key={to} ref={here} tabIndex={-1} aria-current="location">
            {name}
          </span>
        ) : (
          <button key={to} type="button" onClick={() => onGo(to)}>
            {name}
          </button>
        ),
      )}
    </nav>
  );
}

function Find({ isOn, onFind }: { readonly isOn: boolean; readonly onFind: (search: string) => void }) {
  const t = useTexts();
  const [text, setText] = useState('');
  const submit = (event: FormEvent) => {
    event.preventDefault();
    onFind(text.trim());
  };
  return (
    <form onSubmit={submit}>
      <Group gap="xs">
        <TextInput
          size="xs"
          aria-label={t('tree.find')}
          placeholder={t('tree.find')}
          title={t('tree.findHelp')}
          value={text}
          onChange={(event) => setText(event.currentTarget.value)}
        />
        <Button type="submit" size="xs" variant="default">
          {t('tree.go')}
        </Button>
        {isOn && (
          <Button
            size="xs"
            variant="subtle"
            onClick={() => {
              setText('');
              onFind('');
            }}
          >
            {t('tree.stop')}
          </Button>
        )}
      </Group>
    </form>
  );
}

interface EntriesProps extends CrumbsProps {
  readonly id: string;
}

function Entries({ id, place, onGo }: EntriesProps) {
  const t = useTexts();
  const language = useLanguage();
  const may = useMay();
  const tree = useTree(id, place);
  const download = useDownload();
  const isSearch = place.search !== '';
  const columns: Column<TreeItem>[] = [
    {
      label: t('column.name'),
      cell: ({ name, path, type, link_target }) => {
        const text = isSearch ? path : name;
        return type === 'folder' ? (
          <button
            type="button"
            className="link-button code"
            aria-label={t('tree.openNamed', { name: text })}
            onClick={() => onGo(path)}
          >
            {text}/
          </button>
        ) : (
          <span className="code">
            {text}
            {link_target !== null && <span className="soft"> → {link_target}</span>}
          </span>
        );
      },
    },
    { label: t('tree.type'), cell: ({ type }) => t(`tree.type.${type}`) },
    {
      label: t('column.size'),
      isNumber: true,
      cell: ({ type, size_bytes }) => (type === 'file' ? sizeText(size_bytes, language) : ''),
    },
    { label: t('tree.modified'), cell: ({ modified_at }) => <When at={modified_at} /> },
    {
      label: t('column.action'),
      cell: ({ name, path, type }) => (
        <Group gap="xs" wrap="nowrap">
          {type === 'file' && may('backups:download') && (
            <Button
              variant="default"
              size="xs"
              aria-label={t('tree.downloadNamed', { name })}
              onClick={() => download.mutate(fileUrl(id, place.artifact, path))}
            >
              {t('backup.download')}
            </Button>
          )}
          {(type === 'file' || type === 'folder') && may('backups:restore') && (
            <Link
              to="/restore"
              search={{ backup: id, item: `${place.artifact}/${path}` }}
              aria-label={t('restore.named', { name })}
            >
              {t('action.restore')}
            </Link>
          )}
        </Group>
      ),
    },
  ];
  return (
    <>
      <ProblemNote error={download.error} />
      <DataTable
        label={
          isSearch
            ? t('tree.found', { path: [place.artifact, place.path].filter(Boolean).join('/') })
            : t('tree.title')
        }
        columns={columns}
        items={tree.items}
        keyOf={({ path }) => path}
        empty={t(isSearch ? 'tree.none' : 'tree.empty')}
        error={tree.error}
        onRetry={() => void tree.refetch()}
        more={moreOf(tree)}
      />
    </>
  );
}
