import { Button, Group, Stack, Text } from '@mantine/core';
import { useState } from 'react';
import { codeOf } from '../api/client.ts';
import type { SetupRestore } from '../api/types.ts';
import { OwnerForm } from '../entrance/owner-form.tsx';
import { ProgressLine } from '../parts/job-progress.tsx';
import { ProblemNote } from '../parts/problem-note.tsx';
import { NextStep, Said, SaidLine } from '../parts/said.tsx';
import { StatusMark } from '../parts/status.tsx';
import { Step } from '../parts/step.tsx';
import { WithTime } from '../parts/with-time.tsx';
import { useLanguage, useTexts } from '../texts/texts.ts';
import { sizeText } from '../texts/values.ts';
import { FromFields } from './from-fields.tsx';
import { PlaceForm } from './place-form.tsx';
import { NOWHERE } from './placement.ts';
import { isUnderWay, type SetupRestoring, useSetupRestore } from './use-restore.ts';

/** The wizard: where the backup is, a look at all of it, where its parts go, and a login. What was typed stays through every failure. */
export function RestoreSetup({ token }: { readonly token: string }) {
  const t = useTexts();
  const restoring = useSetupRestore(token);
  const [placement, setPlacement] = useState(NOWHERE);
  const { view, status, follow } = restoring;
  const isLost = codeOf(status.error) === 'item_unknown';
  const isAsking = restoring.id === null || isLost || view?.state === 'failed';
  return (
    <Stack gap="xl" mt="sm">
      {restoring.left && restoring.id === null && <Left restoring={restoring} />}
      <div hidden={!isAsking}>
        <Step number={1} title={t('setup.from')}>
          <FromFields token={token} restoring={restoring}>
            {isLost ? (
              <Text size="sm" role="alert" className="tone-doubt">
                {t('setup.lost')}
              </Text>
            ) : (
              view?.error && <Failure error={view.error} />
            )}
          </FromFields>
        </Step>
      </div>
      {!isAsking && (
        <div aria-live="polite">
          {!isLost && <ProblemNote error={status.error} />}
          {view && isUnderWay(view) && <UnderWay view={view} />}
        </div>
      )}
      {!isAsking && view?.backup && view.state === 'opened' && (
        <Step number={2} title={t('setup.place')}>
          <PlaceForm backup={view.backup} {...{ restoring, placement, setPlacement }} />
          <Group mt="md">
            <Button variant="default" size="xs" onClick={() => follow(null)}>
              {t('setup.other')}
            </Button>
          </Group>
        </Step>
      )}
      {view?.state === 'restored' && (
        <Step number={3} title={t('setup.owner')}>
          <Stack gap="sm">
            <Restored view={view} />
            <Text size="sm">{t('setup.ownerText')}</Text>
            <OwnerForm token={token} />
          </Stack>
        </Step>
      )}
    </Stack>
  );
}

function Left({ restoring: { left, follow } }: { readonly restoring: SetupRestoring }) {
  const t = useTexts();
  return (
    <Group gap="sm">
      <Text size="sm">{t('setup.left')}</Text>
      <Button variant="default" size="xs" onClick={() => follow(left)}>
        {t('setup.goOn')}
      </Button>
    </Group>
  );
}

function Failure({ error }: { readonly error: NonNullable<SetupRestore['error']> }) {
  return (
    <div role="alert">
      <StatusMark status="failed" label={<SaidLine error={error} />} />
      <NextStep error={error} />
    </div>
  );
}

function UnderWay({ view }: { readonly view: SetupRestore }) {
  const t = useTexts();
  const isOpening = view.state === 'opening';
  const phase = view.phase ?? t(isOpening ? 'setup.check' : 'setup.restoring');
  return (
    <Stack gap="xs">
      <Text size="sm">{t(isOpening ? 'setup.opening' : 'setup.restoring')}</Text>
      <ProgressLine
        progress={{
          ...{ phase, at: '', bytes_done: view.bytes_done, bytes_total: view.bytes_total, bytes_stored: 0 },
          ...{ entries_done: 0, entries_total: null, bytes_per_second: null, seconds_left: null },
        }}
      />
    </Stack>
  );
}

function Restored({ view }: { readonly view: SetupRestore }) {
  const t = useTexts();
  const language = useLanguage();
  return (
    <Stack gap={4}>
      <StatusMark
        status="succeeded"
        label={view.backup && <WithTime text={t('setup.done')} at={view.backup.timestamp} />}
      />
      {view.restored.map(({ item, target, size_bytes }) => (
        <Text size="sm" key={`${item} ${target}`}>
          <span className="code">{item}</span> → <span className="code">{target}</span>{' '}
          <span className="soft">{sizeText(size_bytes, language)}</span>
        </Text>
      ))}
      {view.taken_over && <Text size="sm">{t('setup.takenOver', view.taken_over)}</Text>}
      {view.warnings.map((warning) => (
        <Text size="sm" className="tone-doubt" key={warning}>
          <Said text={warning} />
        </Text>
      ))}
    </Stack>
  );
}
