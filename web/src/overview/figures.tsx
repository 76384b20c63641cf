import '../drills/drills.css';
import { Grid, Text } from '@mantine/core';
import { useQueries } from '@tanstack/react-query';
import { planDrills, type TrendPoint, useDrillPlans } from '../api/drills.ts';
import { type StorageUse, useStorage } from '../api/upkeep.ts';
import { TrendChart } from '../drills/trend-chart.tsx';
import { type Column, DataTable } from '../parts/data-table.tsx';
import { useMayEverywhere } from '../parts/may.ts';
import { Panel } from '../parts/panel.tsx';
import { Said } from '../parts/said.tsx';
import { When } from '../parts/when.tsx';
import { useLanguage, useTexts } from '../texts/texts.ts';
import { numberText, sizeText } from '../texts/values.ts';

/** What is looked at once a week: whether recoveries get slower, and what the backups cost. */
export function Figures() {
  return (
    <>
      <Recovery />
      <Storage />
    </>
  );
}

/** Of every plan that was drilled more than once: one drill is no trend. */
function Recovery() {
  const t = useTexts();
  const plans = useDrillPlans().data?.items ?? [];
  const found = useQueries({ queries: plans.map(({ plan }) => planDrills(plan)) });
  const drilled = plans.flatMap(({ plan }, i) => {
    const drills = found[i]?.data?.items ?? [];
    return drills.length > 1 ? [{ plan, drills: [...drills].reverse() }] : [];
  });
  if (drilled.length === 0) return null;
  const charts = [
    { what: t('drill.rto'), measure: ({ rto_ms }: TrendPoint) => rto_ms },
    { what: t('drill.rpo'), measure: ({ rpo_ms }: TrendPoint) => rpo_ms },
  ];
  return (
    <Panel title={t('overview.recovery')}>
      {drilled.map(({ plan, drills }) => (
        <Grid key={plan} gap="lg">
          {charts.map(({ what, measure }) => (
            <Grid.Col key={what} span={{ base: 12, sm: 6 }}>
              <TrendChart
                label={t('overview.recoveryOf', { plan, what })}
                points={drills}
                measure={measure}
              />
            </Grid.Col>
          ))}
        </Grid>
      ))}
    </Panel>
  );
}

function Storage() {
  const t = useTexts();
  const language = useLanguage();
  const storage = useStorage(useMayEverywhere()('plans:read'));
  if (!storage.data || storage.data.items.length === 0) return null;
  const size = (bytes: number) => sizeText(bytes, language);
  const columns: Column<StorageUse>[] = [
    { label: t('column.destination'), cell: ({ destination }) => <strong>{destination}</strong> },
    { label: t('storage.backups'), isNumber: true, cell: ({ backups }) => backups },
    { label: t('storage.full'), isNumber: true, cell: ({ backup_bytes }) => size(backup_bytes) },
    {
      label: t('storage.used'),
      isNumber: true,
      cell: ({ used_bytes, error }) =>
        used_bytes === null ? (
          <Text size="sm" className="tone-doubt">
            <Said text={error ?? ''} />
          </Text>
        ) : (
          size(used_bytes)
        ),
    },
    {
      label: t('storage.saved'),
      isNumber: true,
      cell: ({ used_bytes: used, backup_bytes: full }) =>
        used === null || used >= full
          ? '–'
          : t('storage.savedText', {
              share: numberText(Math.round((1 - used / full) * 100), language),
              bytes: size(full - used),
            }),
    },
    {
      label: t('storage.measured'),
      cell: ({ measured_at }) => measured_at && <When at={measured_at} relative />,
    },
  ];
  return (
    <Panel title={t('storage.title')} flush>
      <Text size="sm" p="md" pb={0} className="soft">
        {t('storage.text')}
      </Text>
      <DataTable
        label={t('storage.title')}
        columns={columns}
        items={storage.data.items}
        keyOf={({ destination }) => destination}
        empty=""
      />
    </Panel>
  );
}
