import { useQueryClient } from '@tanstack/react-query';
import { useTexts } from '../texts/texts.ts';
import { Entrance } from './entrance.tsx';
import { LoginForm } from './login-form.tsx';
import { SignOn } from './sign-on.tsx';

export function LoginPage() {
  const t = useTexts();
  const client = useQueryClient();
  return (
    <Entrance title={t('login.title')}>
      <SignOn />
      <LoginForm onDone={() => void client.resetQueries()} />
    </Entrance>
  );
}
