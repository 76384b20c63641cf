import { AppShell, Box, Burger, Group } from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import { Outlet, useRouterState } from '@tanstack/react-router';
import { useEffect, useRef } from 'react';
import { codeOf } from '../api/client.ts';
import { useMe } from '../api/queries.ts';
import { Gatekeeper } from '../entrance/gatekeeper.tsx';
import { LoginPage } from '../entrance/login-page.tsx';
import { SetupPage } from '../entrance/setup-page.tsx';
import { Waiting } from '../parts/data-table.tsx';
import { ProblemNote } from '../parts/problem-note.tsx';
import { useTexts } from '../texts/texts.ts';
import { Brand } from './brand.tsx';
import { SideBar } from './side-bar.tsx';

/** Whoever is not logged in sees the entrance, everybody else the page they asked for. */
export function Frame() {
  const me = useMe();
  if (me.data) {
    return (
      <>
        <Gatekeeper />
        <Shell />
      </>
    );
  }
  if (me.isPending) return <Waiting />;
  const code = codeOf(me.error);
  if (code === 'setup_needed') return <SetupPage />;
  if (code === 'not_authenticated') return <LoginPage />;
  return (
    <div className="entrance">
      <main>
        <ProblemNote error={me.error} onRetry={() => void me.refetch()} />
      </main>
    </div>
  );
}

function Shell() {
  const t = useTexts();
  const [isOpen, { toggle, close }] = useDisclosure(false);
  const path = useRouterState({ select: ({ location }) => location.pathname });
  const main = useRef<HTMLElement>(null);
  const before = useRef(path);
  useEffect(() => {
    if (before.current === path) return;
    before.current = path;
    close();
    // A new page begins at its beginning, for those who scroll and for those who listen.
    window.scrollTo(0, 0);
    main.current?.focus({ preventScroll: true });
  }, [path, close]);
  return (
    <AppShell
      navbar={{ width: 224, breakpoint: 'sm', collapsed: { mobile: !isOpen } }}
      header={{ height: { base: 52, sm: 0 } }}
      padding={{ base: 'sm', sm: 'lg' }}
      transitionDuration={0}
    >
      <a className="skip" href="#content">
        {t('nav.skip')}
      </a>
      <AppShell.Header hiddenFrom="sm" px="sm">
        <Group h="100%" gap="sm">
          <Burger
            opened={isOpen}
            onClick={toggle}
            size="sm"
            aria-label={t('nav.menu')}
            aria-expanded={isOpen}
          />
          <Brand />
        </Group>
      </AppShell.Header>
      <AppShell.Navbar p="sm" className="frame-side">
        <Box visibleFrom="sm" p="xs">
          <Brand />
        </Box>
        <SideBar />
      </AppShell.Navbar>
      <AppShell.Main id="content" ref={main} tabIndex={-1} style={{ outline: 'none' }}>
        <Box maw={1240} mx="auto">
          <Outlet />
        </Box>
      </AppShell.Main>
    </AppShell>
  );
}
