import { Group, Text } from '@mantine/core';
import {
  type Icon,
  IconAlertTriangle,
  IconCircleCheck,
  IconCircleDotted,
  IconCircleX,
  IconClock,
  IconPlayerSkipForward,
} from '@tabler/icons-react';
import { type TextKey, useTexts } from '../texts/texts.ts';

export type Status =
  | 'succeeded'
  | 'failed'
  | 'skipped'
  | 'interrupted'
  | 'running'
  | 'queued'
  | 'incomplete'
  | 'imported'
  | 'healthy'
  | 'warning';

type Tone = 'good' | 'bad' | 'doubt' | 'quiet';

/** Shape, word and colour say the same, so that none is needed alone. */
const LOOKS: Readonly<Record<Status, { readonly icon: Icon; readonly tone: Tone }>> = {
  succeeded: { icon: IconCircleCheck, tone: 'good' },
  healthy: { icon: IconCircleCheck, tone: 'good' },
  imported: { icon: IconCircleCheck, tone: 'quiet' },
  failed: { icon: IconCircleX, tone: 'bad' },
  interrupted: { icon: IconCircleX, tone: 'bad' },
  incomplete: { icon: IconAlertTriangle, tone: 'doubt' },
  warning: { icon: IconAlertTriangle, tone: 'doubt' },
  skipped: { icon: IconPlayerSkipForward, tone: 'doubt' },
  running: { icon: IconCircleDotted, tone: 'quiet' },
  queued: { icon: IconClock, tone: 'quiet' },
};

export const toneOf = (status: Status) => LOOKS[status].tone;

export function StatusMark({ status }: { readonly status: Status }) {
  const t = useTexts();
  const { icon: Shape, tone } = LOOKS[status];
  return (
    <Group gap={6} wrap="nowrap" className={`tone-${tone}`}>
      <Shape size={18} aria-hidden />
      <Text span size="sm">
        {t(`status.${status}` satisfies TextKey)}
      </Text>
    </Group>
  );
}
