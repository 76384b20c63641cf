import type { DrillDetail } from '../api/drills.ts';
import { useSaid } from '../texts/server-words.ts';
import { useLanguage, useTexts } from '../texts/texts.ts';
import { preciseText } from './duration.ts';

/** A bar for each phase, all on one scale. The words beside say the same. */
export function PhaseChart({ phases }: { readonly phases: DrillDetail['phases'] }) {
  const t = useTexts();
  const language = useLanguage();
  const said = useSaid();
  const longest = Math.max(1, ...phases.map(({ duration_ms }) => duration_ms));
  return (
    <table className="phases" aria-label={t('drill.phases')}>
      <tbody>
        {phases.map(({ name, duration_ms }, i) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: a phase may come twice, and their order never changes
          <tr key={i}>
            <th scope="row">{said.phase(name)}</th>
            <td className="phase-bar">
              <svg width="100%" height="14" aria-hidden="true">
                <rect width={`${Math.max(0.5, (duration_ms / longest) * 100)}%`} height="14" rx="2" />
              </svg>
            </td>
            <td className="number">{preciseText(duration_ms, language)}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
