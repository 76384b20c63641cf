import './conflict.css';
import { Alert, Button, Stack, Text } from '@mantine/core';
import { useMutation } from '@tanstack/react-query';
import { stringify } from 'yaml';
import { call } from '../api/client.ts';
import type { DocumentKind } from '../api/queries.ts';
import type { StoredDocument } from '../api/types.ts';
import { ProblemNote } from '../parts/problem-note.tsx';
import { useTexts } from '../texts/texts.ts';
import type { Body } from './document-kind.ts';
import { type DiffLine, lineDiff } from './line-diff.ts';

/** What takes the place of a version that somebody else stored. */
export interface Overwrite {
  readonly version: number;
  readonly body: Body;
}

interface ConflictProps {
  readonly kind: DocumentKind;
  readonly name: string;
  /** What would be stored over theirs: all of mine, or theirs with my part of it. */
  readonly mineOver: (theirs: Body) => Body;
  readonly onOverwrite: (overwrite: Overwrite) => void;
}

/** Two people changed the same: the difference to what the other one made of it is shown before it can be overwritten. */
export function Conflict({ kind, name, mineOver, onOverwrite }: ConflictProps) {
  const t = useTexts();
  const look = useMutation({
    mutationFn: () => call<StoredDocument>(`/api/v1/${kind}/${encodeURIComponent(name)}`),
  });
  const theirs = look.data;
  return (
    <Alert color="orange" variant="outline" role="alert" title={t('document.conflict')}>
      <ProblemNote error={look.error} />
      {theirs ? (
        <Difference theirs={theirs} mine={mineOver(theirs.body)} onOverwrite={onOverwrite} />
      ) : (
        <Button size="xs" variant="default" loading={look.isPending} onClick={() => look.mutate()}>
          {t('document.look')}
        </Button>
      )}
    </Alert>
  );
}

interface DifferenceProps {
  readonly theirs: StoredDocument;
  readonly mine: Body;
  readonly onOverwrite: (overwrite: Overwrite) => void;
}

const SIGNS = { theirs: '−', mine: '+', both: ' ' } as const;

function Difference({ theirs, mine, onOverwrite }: DifferenceProps) {
  const t = useTexts();
  const lines = lineDiff(stringify(theirs.body).trimEnd(), stringify(mine).trimEnd());
  return (
    <Stack gap="xs">
      <Text size="sm">
        {t('document.version', { version: theirs.version, who: theirs.updated_by ?? '–' })}
      </Text>
      <Text size="sm">{t('document.difference')}</Text>
      <pre className="code difference">
        {lines.map((line, i) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: lines have no name but their place
          <Line key={i} line={line} />
        ))}
      </pre>
      <div>
        <Button size="xs" color="red" onClick={() => onOverwrite({ version: theirs.version, body: mine })}>
          {t('document.overwrite')}
        </Button>
      </div>
    </Stack>
  );
}

/** Sign, element and colour say the same. */
function Line({ line: { text, side } }: { readonly line: DiffLine }) {
  const Element = side === 'theirs' ? 'del' : side === 'mine' ? 'ins' : 'span';
  return (
    <Element className={`difference-${side}`}>
      {SIGNS[side]} {text}
      {'\n'}
    </Element>
  );
}
