import type { ReactNode } from 'react';

interface StepProps {
  readonly number: number;
  readonly title: string;
  readonly children: ReactNode;
}

/** One of several steps that stand on one page. */
export function Step({ number, title, children }: StepProps) {
  return (
    <section className="step">
      <span className="step-number" aria-hidden>
        {number}
      </span>
      <div>
        <h2 className="step-title">{title}</h2>
        {children}
      </div>
    </section>
  );
}
