import type { ReactNode } from 'react';

interface PanelProps {
  readonly title?: ReactNode;
  readonly actions?: ReactNode;
  /** Without room around what is inside, for tables. */
  readonly flush?: boolean;
  readonly children: ReactNode;
}

export function Panel({ title, actions, flush = false, children }: PanelProps) {
  return (
    <section className="panel">
      {title && (
        <header>
          <h2 className="panel-title">{title}</h2>
          {actions}
        </header>
      )}
      {flush ? children : <div className="panel-body">{children}</div>}
    </section>
  );
}
