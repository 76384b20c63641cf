import { Alert, Button } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { call } from '../api/client.ts';
import type { LoginMethods } from '../api/types.ts';
import { useTexts } from '../texts/texts.ts';

/** What came back from the provider, for the first page that is shown; a reload forgets it. */
const outcome = new URLSearchParams(location.search).get('sign_on');

const useMethods = () =>
  useQuery({
    queryKey: ['login-methods'],
    queryFn: () => call<LoginMethods>('/api/v1/session/methods', { withoutGates: true }),
    retry: false,
  });

/** The way to the identity provider where there is one, and what it said when it let nobody in. */
export function SignOn() {
  const t = useTexts();
  const oidc = useMethods().data?.oidc;
  return (
    <>
      {outcome !== null && (
        <Alert role="alert" color="red">
          {t(outcome === 'sign_on_refused' ? 'signOn.refused' : 'signOn.failed')}
        </Alert>
      )}
      {oidc && (
        <Button component="a" href={oidc.start} variant="default">
          {t('signOn.with', { label: oidc.label })}
        </Button>
      )}
    </>
  );
}

/** For people without a password here: the provider asks for theirs, and brings them back to this page. */
export function ProveAtProvider() {
  const t = useTexts();
  const oidc = useMethods().data?.oidc;
  if (!oidc) return null;
  const query = new URLSearchParams({ prove: 'true', return_to: location.pathname });
  return (
    <Button component="a" href={`${oidc.start}?${query}`} variant="default" mb="sm" fullWidth>
      {t('signOn.with', { label: oidc.label })}
    </Button>
  );
}
