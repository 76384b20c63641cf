import type { Progress } from '../../engine/index.ts';

interface Moving {
  phase: string | null;
  bytesDone: number;
  bytesTotal: number | null;
}

/** Progress of the engine in a view that is looked at now and then. */
export function viewProgress(view: Moving, warn: (message: string) => void = () => {}): Progress {
  return {
    phase(name, { bytes }) {
      view.phase = name;
      view.bytesDone = 0;
      view.bytesTotal = bytes ?? null;
    },
    advance({ bytes = 0 }) {
      view.bytesDone += bytes;
    },
    warn,
  };
}
