import { Button, Group, Stack, Text } from '@mantine/core';
import { Link } from '@tanstack/react-router';
import type { BackupContent } from '../api/content.ts';
import { useAskDrill } from '../drills/ask-drill.ts';
import { DrillMark } from '../drills/drill-mark.tsx';
import { useMay } from '../parts/may.ts';
import { Panel } from '../parts/panel.tsx';
import { ProblemNote } from '../parts/problem-note.tsx';
import { When } from '../parts/when.tsx';
import { useTexts } from '../texts/texts.ts';

/** Which rehearsals restored this very backup. */
export function Proof({ backup: { id, proof } }: { readonly backup: BackupContent }) {
  const t = useTexts();
  const may = useMay();
  const ask = useAskDrill();
  return (
    <Panel title={t('backup.proof')}>
      <Stack gap="sm">
        <Text size="sm">
          {proof.proven_at ? (
            <>
              {t('backup.provenAt')} <When at={proof.proven_at} relative />.
            </>
          ) : (
            t('backup.unproven')
          )}
        </Text>
        {proof.drills.map(({ id: drill, result, started_at }) => (
          <Group key={drill} gap="sm">
            <DrillMark result={result} />
            <Link to="/drills/$id" params={{ id: drill }} className="link">
              <When at={started_at} />
            </Link>
          </Group>
        ))}
        <ProblemNote error={ask.error} />
        {may('backups:trigger') && (
          <div>
            <Button variant="default" loading={ask.isPending} onClick={() => ask.mutate({ backup_id: id })}>
              {t('backup.drill')}
            </Button>
          </div>
        )}
      </Stack>
    </Panel>
  );
}
