import { StatusMark } from '../parts/status.tsx';
import { useTexts } from '../texts/texts.ts';

interface DrillMarkProps {
  readonly result: 'green' | 'red';
  readonly isTrial?: boolean;
}

export function DrillMark({ result, isTrial = false }: DrillMarkProps) {
  const t = useTexts();
  const label = t(`drill.${result}`);
  return (
    <StatusMark
      status={result === 'green' ? 'succeeded' : 'failed'}
      label={isTrial ? `${label} (${t('drill.trial')})` : label}
    />
  );
}
