import { Button, Group, Stack, Text, TextInput } from '@mantine/core';
import { useMutation } from '@tanstack/react-query';
import { type FormEvent, useState } from 'react';
import { call } from '../api/client.ts';
import { useRefresh } from '../api/queries.ts';
import { CopyText } from '../parts/copy-button.tsx';
import { ProblemNote } from '../parts/problem-note.tsx';
import { StatusMark } from '../parts/status.tsx';
import { QrPicture } from '../qr/qr-picture.tsx';
import { useTexts } from '../texts/texts.ts';

const URL = '/api/v1/session/second-factor';
interface Codes {
  readonly recovery_codes: readonly string[];
}

/** Begin, confirm with a first code, keep the recovery codes; or new codes, or an end to it. */
export function SecondFactor({ isOn }: { readonly isOn: boolean }) {
  const t = useTexts();
  const refresh = useRefresh();
  const [codes, setCodes] = useState<readonly string[] | null>(null);
  const renew = useMutation({
    mutationFn: () => call<Codes>(`${URL}/recovery-codes`, { method: 'POST', body: {} }),
    onSuccess: ({ recovery_codes }) => setCodes(recovery_codes),
  });
  const remove = useMutation({
    mutationFn: () => call(URL, { method: 'DELETE' }),
    async onSuccess() {
      setCodes(null);
      await refresh('me');
    },
  });
  return (
    <Stack gap="sm">
      {isOn ? (
        <StatusMark status="active" label={t('factor.isOn')} />
      ) : (
        <Text size="sm">{t('factor.text')}</Text>
      )}
      {codes && <RecoveryCodes codes={codes} />}
      {isOn ? (
        <>
          <ProblemNote error={renew.error ?? remove.error} />
          <Group gap="xs">
            <Button variant="default" loading={renew.isPending} onClick={() => renew.mutate()}>
              {t('factor.newCodes')}
            </Button>
            <Button variant="default" loading={remove.isPending} onClick={() => remove.mutate()}>
              {t('factor.remove')}
            </Button>
          </Group>
        </>
      ) : (
        <Begin
          onDone={(given) => {
            setCodes(given);
            void refresh('me');
          }}
        />
      )}
    </Stack>
  );
}

function Begin({ onDone }: { readonly onDone: (codes: readonly string[]) => void }) {
  const t = useTexts();
  const [code, setCode] = useState('');
  const begin = useMutation({
    mutationFn: () => call<{ secret: string; address: string }>(URL, { method: 'POST', body: {} }),
  });
  const confirm = useMutation({
    mutationFn: () => call<Codes>(`${URL}/confirm`, { method: 'POST', body: { code: code.trim() } }),
    onSuccess: ({ recovery_codes }) => onDone(recovery_codes),
  });
  if (!begin.data) {
    return (
      <>
        <ProblemNote error={begin.error} />
        <div>
          <Button loading={begin.isPending} onClick={() => begin.mutate()}>
            {t('factor.begin')}
          </Button>
        </div>
      </>
    );
  }
  const { secret, address } = begin.data;
  const submit = (event: FormEvent) => {
    event.preventDefault();
    confirm.mutate();
  };
  return (
    <form onSubmit={submit}>
      <Stack gap="sm" maw={460}>
        <Text size="sm">{t('factor.scan')}</Text>
        <QrPicture text={address} label={t('factor.picture')} />
        <Text size="sm">
          {t('factor.enter')}{' '}
          <a href={address} className="link">
            {t('factor.open')}
          </a>
        </Text>
        <div className="secret" data-testid="factor-secret">
          {secret}
        </div>
        <div>
          <CopyText text={secret} />
        </div>
        <TextInput
          label={t('factor.code')}
          autoComplete="one-time-code"
          inputMode="numeric"
          required
          maw={200}
          value={code}
          onChange={(event) => setCode(event.currentTarget.value)}
        />
        <ProblemNote error={confirm.error} />
        <div>
          <Button type="submit" loading={confirm.isPending}>
            {t('factor.confirm')}
          </Button>
        </div>
      </Stack>
    </form>
  );
}

function RecoveryCodes({ codes }: { readonly codes: readonly string[] }) {
  const t = useTexts();
  return (
    <Stack gap="xs">
      <Text size="sm" fw={600}>
        {t('factor.codes')}
      </Text>
      <div className="secret" data-testid="recovery-codes" style={{ whiteSpace: 'pre-line' }}>
        {codes.join('\n')}
      </div>
      <div>
        <CopyText text={codes.join('\n')} />
      </div>
    </Stack>
  );
}
