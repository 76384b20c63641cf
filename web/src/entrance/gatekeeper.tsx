import { Modal, Text } from '@mantine/core';
import { useQueryClient } from '@tanstack/react-query';
import { useEffect, useRef, useState } from 'react';
import { setGates } from '../api/client.ts';
import { useMe } from '../api/queries.ts';
import { useTexts } from '../texts/texts.ts';
import { LoginForm } from './login-form.tsx';
import { ProveAtProvider } from './sign-on.tsx';

/** Also above a dialog whose request it is about. */
const ABOVE_ALL = 400;

type Answer = (isGiven: boolean) => void;

/** Asks for the login or the password above the page, when a request needs it. The page below stays as it is. */
export function Gatekeeper() {
  const t = useTexts();
  const me = useMe().data;
  const client = useQueryClient();
  const [asking, setAsking] = useState<'login' | 'proof' | null>(null);
  const waiting = useRef<Answer[]>([]);
  useEffect(() => {
    const ask = (what: 'login' | 'proof') => {
      setAsking((now) => (now === 'login' ? now : what));
      return new Promise<boolean>((resolve) => waiting.current.push(resolve));
    };
    setGates({
      logIn: async () => void (await ask('login')),
      prove: () => ask('proof'),
    });
    return () => setGates(null);
  }, []);
  const answer = (isGiven: boolean) => {
    setAsking(null);
    for (const resolve of waiting.current.splice(0)) resolve(isGiven);
    if (isGiven) void client.invalidateQueries({ queryKey: ['me'] });
  };
  const isLogin = asking === 'login';
  return (
    <Modal
      opened={asking !== null}
      onClose={() => answer(false)}
      title={<strong>{t(isLogin ? 'login.title' : 'proof.title')}</strong>}
      withCloseButton={!isLogin}
      closeButtonProps={{ 'aria-label': t('action.close') }}
      closeOnClickOutside={false}
      closeOnEscape={!isLogin}
      centered
      zIndex={ABOVE_ALL}
    >
      <Text size="sm" mb="sm">
        {t(isLogin ? 'login.expired' : 'proof.text')}
      </Text>
      {!isLogin && me?.user.by_provider && <ProveAtProvider />}
      <LoginForm
        key={asking}
        proves={!isLogin}
        onDone={() => answer(true)}
        {...(me ? { name: me.user.name } : {})}
      />
    </Modal>
  );
}
