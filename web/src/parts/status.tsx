import { Group, Text } from '@mantine/core';
import type { ReactNode } from 'react';
import { useTexts } from '../texts/texts.ts';
import {
  type Icon,
  IconAlertTriangle,
  IconArchive,
  IconCircleCheck,
  IconCircleDotted,
  IconCircleX,
  IconClock,
  IconPlayerSkipForward,
} from './icons.ts';

type Tone = 'good' | 'bad' | 'doubt' | 'quiet';
interface Look {
  readonly icon: Icon;
  readonly tone: Tone;
}

/** Shape, word and colour say the same, so that none is needed alone. */
const LOOKS = {
  succeeded: { icon: IconCircleCheck, tone: 'good' },
  healthy: { icon: IconCircleCheck, tone: 'good' },
  present: { icon: IconCircleCheck, tone: 'good' },
  active: { icon: IconCircleCheck, tone: 'good' },
  imported: { icon: IconCircleCheck, tone: 'quiet' },
  archived: { icon: IconArchive, tone: 'quiet' },
  failed: { icon: IconCircleX, tone: 'bad' },
  refused: { icon: IconCircleX, tone: 'bad' },
  interrupted: { icon: IconCircleX, tone: 'bad' },
  damaged: { icon: IconCircleX, tone: 'bad' },
  missing: { icon: IconCircleX, tone: 'bad' },
  ended: { icon: IconCircleX, tone: 'quiet' },
  incomplete: { icon: IconAlertTriangle, tone: 'doubt' },
  warning: { icon: IconAlertTriangle, tone: 'doubt' },
  skipped: { icon: IconPlayerSkipForward, tone: 'doubt' },
  running: { icon: IconCircleDotted, tone: 'quiet' },
  queued: { icon: IconClock, tone: 'quiet' },
} as const satisfies Readonly<Record<string, Look>>;

export type Status = keyof typeof LOOKS;

export const toneOf = (status: Status): Tone => LOOKS[status].tone;

interface StatusMarkProps {
  readonly status: Status;
  /** In place of the status' own word. */
  readonly label?: ReactNode;
}

export function StatusMark({ status, label }: StatusMarkProps) {
  const t = useTexts();
  const { icon: Shape, tone } = LOOKS[status];
  return (
    <Group gap={6} wrap="nowrap" className={`tone-${tone}`}>
      <Shape size={18} aria-hidden style={{ flex: 'none' }} />
      <Text span size="sm" fw={tone === 'bad' ? 600 : 500}>
        {label ?? t(`status.${status}`)}
      </Text>
    </Group>
  );
}
