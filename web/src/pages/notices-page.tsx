import { Group, Select, Text } from '@mantine/core';
import { useState } from 'react';
import { NOTICE_KINDS } from '../../../src/contracts/notice-events.ts';
import { useDocuments } from '../api/queries.ts';
import { type Delivery, useDeliveries } from '../api/upkeep.ts';
import { DocumentList } from '../documents/document-list.tsx';
import { type Column, DataTable, moreOf } from '../parts/data-table.tsx';
import { Panel } from '../parts/panel.tsx';
import { Said } from '../parts/said.tsx';
import { type Status, StatusMark } from '../parts/status.tsx';
import { When } from '../parts/when.tsx';
import { type Translate, useTexts } from '../texts/texts.ts';

const MARKS: Readonly<Record<Delivery['status'], Status>> = {
  waiting: 'queued',
  delivered: 'succeeded',
  failed: 'failed',
  dropped: 'ended',
};

export function NoticesPage() {
  return (
    <DocumentList kind="channels">
      <History />
    </DocumentList>
  );
}

/** What was sent, or is still on its way. */
function History() {
  const t = useTexts();
  const [channel, setChannel] = useState<string | null>(null);
  const channels = useDocuments('channels').data?.items ?? [];
  const deliveries = useDeliveries(channel);
  const columns: Column<Delivery>[] = [
    { label: t('column.time'), cell: ({ created_at }) => <When at={created_at} /> },
    { label: t('notices.channel'), cell: ({ channel: name }) => name },
    { label: t('notices.event'), cell: ({ kind }) => eventText(kind, t) },
    { label: t('column.plan'), cell: ({ plan }) => plan ?? '–' },
    { label: t('column.tenant'), cell: ({ tenant_id }) => tenant_id ?? t('tenant.global') },
    { label: t('column.status'), cell: (one) => <State delivery={one} /> },
    { label: t('notices.attempts'), isNumber: true, cell: ({ attempts }) => attempts },
  ];
  return (
    <Panel
      title={t('notices.history')}
      flush
      actions={
        <Group>
          <Select
            size="xs"
            w={200}
            aria-label={t('maintenance.channels')}
            placeholder={t('notices.allChannels')}
            clearable
            clearButtonProps={{ 'aria-label': t('notices.allChannels') }}
            data={channels.map(({ name }) => name)}
            value={channel}
            onChange={setChannel}
          />
        </Group>
      }
    >
      <DataTable
        label={t('notices.history')}
        columns={columns}
        items={deliveries.isPending ? undefined : deliveries.items}
        keyOf={({ id }) => id}
        empty={t('notices.empty')}
        error={deliveries.error}
        onRetry={() => void deliveries.refetch()}
        more={moreOf(deliveries)}
      />
    </Panel>
  );
}

function State({ delivery: { status, last_error, next_at } }: { readonly delivery: Delivery }) {
  const t = useTexts();
  return (
    <>
      <StatusMark status={MARKS[status]} label={t(`notices.status.${status}`)} />
      {last_error && status !== 'delivered' && (
        <Text size="xs">
          <Said text={last_error} />
        </Text>
      )}
      {next_at && status === 'waiting' && (
        <Text size="xs" className="soft">
          {t('notices.nextAt')}: <When at={next_at} relative />
        </Text>
      )}
    </>
  );
}

/** Of an event that this page does not know yet, its name. */
function eventText(kind: string, t: Translate): string {
  const known = NOTICE_KINDS.find((one) => one === kind);
  return known ? t(`event.${known}`) : kind;
}
