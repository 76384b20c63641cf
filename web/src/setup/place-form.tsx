import { Radio, Select, Stack, Text, TextInput } from '@mantine/core';
import type { SetupRestore } from '../api/types.ts';
import { useFieldProblem } from '../parts/field-problem.ts';
import { PlainInput } from '../parts/plain-input.tsx';
import { StatusMark } from '../parts/status.tsx';
import { TypedConfirm } from '../parts/typed-confirm.tsx';
import { WithTime } from '../parts/with-time.tsx';
import { useLanguage, useTexts } from '../texts/texts.ts';
import { sizeText } from '../texts/values.ts';
import { chosenTargets, type Placement } from './placement.ts';
import type { SetupRestoring } from './use-restore.ts';

type Opened = NonNullable<SetupRestore['backup']>;

interface PlaceFormProps {
  readonly backup: Opened;
  readonly restoring: SetupRestoring;
  readonly placement: Placement;
  readonly setPlacement: (placement: Placement) => void;
}

/** Where the parts go, what will happen, and the word that starts it. */
export function PlaceForm({ backup, restoring: { apply }, placement, setPlacement }: PlaceFormProps) {
  const t = useTexts();
  const fieldProblem = useFieldProblem();
  const isReady = chosenTargets(placement).length > 0 || placement.catalog !== null;
  const catalogs = backup.artifacts.filter(({ kind }) => kind === 'sqlite').map(({ name }) => name);
  return (
    <Stack gap="md">
      <StatusMark status="succeeded" label={<WithTime text={t('setup.opened')} at={backup.timestamp} />} />
      <Radio.Group
        value={placement.way}
        onChange={(way) => setPlacement({ ...placement, way: way === 'each' ? 'each' : 'folder' })}
        aria-label={t('setup.place')}
      >
        <Stack gap={6}>
          <Radio value="folder" label={t('setup.placeOne')} />
          <Radio value="each" label={t('setup.placeEach')} description={t('setup.placeEachHelp')} />
        </Stack>
      </Radio.Group>
      {placement.way === 'folder' ? (
        <PlainInput
          label={t('setup.placeFolder')}
          description={t('restore.pathHelp')}
          placeholder="/srv/app"
          error={fieldProblem(apply.error, 'targets.0.to')}
          value={placement.folder}
          onChange={(text) => setPlacement({ ...placement, folder: text })}
        />
      ) : (
        <Each {...{ backup, placement, setPlacement }} problem={apply.error} />
      )}
      {catalogs.length > 0 && (
        <Select
          label={t('setup.catalog')}
          description={t('setup.catalogHelp')}
          data={catalogs}
          clearable
          clearButtonProps={{ 'aria-label': t('setup.catalog') }}
          value={placement.catalog}
          onChange={(catalog) => setPlacement({ ...placement, catalog })}
        />
      )}
      <Plan {...{ backup, placement }} />
      <TypedConfirm
        word={isReady ? t('restore.word') : ''}
        action={t('restore.start')}
        onConfirm={() => apply.mutate(placement)}
        isPending={apply.isPending}
        error={apply.error}
      />
    </Stack>
  );
}

interface EachProps {
  readonly backup: Opened;
  readonly placement: Placement;
  readonly setPlacement: (placement: Placement) => void;
  readonly problem: unknown;
}

function Each({ backup, placement, setPlacement, problem }: EachProps) {
  const t = useTexts();
  const fieldProblem = useFieldProblem();
  const language = useLanguage();
  const targets = chosenTargets(placement);
  return (
    <Stack gap="sm">
      {backup.artifacts.map(({ name, kind, size_bytes }, i) => (
        <TextInput
          key={name}
          label={`${name} (${kind}, ${sizeText(size_bytes, language)})`}
          {...(i === 0 ? { description: t('setup.placeHelp') } : {})}
          autoComplete="off"
          spellCheck={false}
          error={fieldProblem(problem, `targets.${targets.findIndex(({ item }) => item === name)}.to`)}
          value={placement.places[name] ?? ''}
          onChange={(event) =>
            setPlacement({
              ...placement,
              places: { ...placement.places, [name]: event.currentTarget.value },
            })
          }
        />
      ))}
    </Stack>
  );
}

/** What will happen, in words and numbers. */
function Plan({ backup, placement }: { readonly backup: Opened; readonly placement: Placement }) {
  const t = useTexts();
  const language = useLanguage();
  const targets = chosenTargets(placement);
  const bytesOf = (item: string | null) =>
    backup.artifacts
      .filter(({ name }) => item === null || name === item)
      .reduce((sum, { size_bytes }) => sum + size_bytes, 0);
  return (
    <div>
      <Text size="sm" fw={600}>
        {t('restore.plan')}
      </Text>
      <ul style={{ margin: 0, paddingLeft: '1.1rem', fontSize: '0.9rem', lineHeight: 1.7 }}>
        {targets.length === 0 && placement.catalog === null && <li>{t('setup.planNothing')}</li>}
        {targets.map(({ item, to }) => (
          <li key={`${item} ${to}`}>
            {t('setup.planPlace', {
              item: item ?? t('setup.planAll'),
              where: to,
              size: sizeText(bytesOf(item), language),
            })}
          </li>
        ))}
        {targets.length > 0 && <li>{t('setup.planReplaces')}</li>}
        {placement.catalog !== null && <li>{t('setup.planCatalog', { item: placement.catalog })}</li>}
      </ul>
    </div>
  );
}
