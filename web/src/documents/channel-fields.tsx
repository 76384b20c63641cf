import { NumberInput, Select, Switch, Textarea } from '@mantine/core';
import { PlainInput } from '../parts/plain-input.tsx';
import { useTexts } from '../texts/texts.ts';
import { ChannelRule } from './channel-rule.tsx';
import type { Body } from './document-kind.ts';
import type { FieldsProps } from './field-props.ts';
import { fieldAt, withFieldAt } from './nested-field.ts';

/** What a channel of a kind begins with. */
const FIRST: Readonly<Record<string, Body>> = {
  webhook: { kind: 'webhook', url: '', secret: { env: '' } },
  email: { kind: 'email', host: '', from: '', to: [] },
  ping: { kind: 'ping', url: '' },
};
const KINDS = Object.keys(FIRST) as ('webhook' | 'email' | 'ping')[];

/** Secrets are named by the variable that holds them; the page never sees one. */
export function ChannelFields(props: FieldsProps) {
  const t = useTexts();
  const { body, onChange, problem } = props;
  const kind = String(body.kind);
  return (
    <>
      <Select
        label={t('channel.kind')}
        data={KINDS.map((value) => ({ value, label: t(`channel.kind.${value}`) }))}
        allowDeselect={false}
        error={problem('kind')}
        value={kind}
        onChange={(value) => onChange(FIRST[value ?? 'webhook']!)}
      />
      {kind === 'email' ? <MailFields {...props} /> : <AddressFields {...props} />}
      {kind === 'webhook' && (
        <Line
          {...props}
          path="secret.env"
          label={t('channel.secret')}
          description={t('channel.secretHelp')}
          placeholder="NOTICE_SECRET"
        />
      )}
      {kind === 'ping' && (
        <Switch
          label={t('channel.start')}
          checked={body.start !== false}
          onChange={(event) =>
            onChange(withFieldAt(body, 'start', event.currentTarget.checked ? undefined : false))
          }
        />
      )}
      <ChannelRule {...props} />
      <Switch
        label={t('channel.enabled')}
        checked={body.enabled !== false}
        onChange={(event) =>
          onChange(withFieldAt(body, 'enabled', event.currentTarget.checked ? undefined : false))
        }
      />
    </>
  );
}

interface LineProps extends FieldsProps {
  readonly path: string;
  readonly label: string;
  readonly description?: string;
  readonly placeholder?: string;
}

/** A line of text anywhere in the body. */
function Line({ body, onChange, problem, path, ...shown }: LineProps) {
  const value = fieldAt(body, path);
  return (
    <PlainInput
      {...shown}
      error={problem(path) ?? problem(path.replace(/\.env$/, ''))}
      value={typeof value === 'string' ? value : ''}
      onChange={(text) => onChange(withFieldAt(body, path, text))}
    />
  );
}

/** An address, or the variable that holds it: tokens are part of many. */
function AddressFields(props: FieldsProps) {
  const t = useTexts();
  const { body, onChange } = props;
  const put = (url: unknown) => onChange(withFieldAt(body, 'url', url));
  return (
    <>
      <Line
        {...props}
        path="url"
        label={t('channel.url')}
        description={t('channel.urlHelp')}
        onChange={({ url }) => put(url)}
      />
      <Line
        {...props}
        problem={() => null}
        path="url.env"
        label={t('channel.urlEnv')}
        placeholder="NOTICE_URL"
        onChange={({ url }) => put(url)}
      />
    </>
  );
}

function MailFields(props: FieldsProps) {
  const t = useTexts();
  const { body, onChange, problem } = props;
  const security = String(body.security ?? 'starttls');
  return (
    <>
      <Line {...props} path="host" label={t('channel.host')} placeholder="mail.example.org" />
      <Select
        label={t('channel.security')}
        data={[
          { value: 'starttls', label: 'STARTTLS' },
          { value: 'tls', label: 'TLS' },
          { value: 'none', label: t('channel.security.none') },
        ]}
        allowDeselect={false}
        error={problem('security')}
        value={security}
        onChange={(value) =>
          onChange(withFieldAt(body, 'security', value === 'starttls' ? undefined : value))
        }
      />
      <NumberInput
        label={t('channel.port')}
        placeholder={security === 'tls' ? '465' : '587'}
        min={1}
        max={65_535}
        allowDecimal={false}
        hideControls
        error={problem('port')}
        value={typeof body.port === 'number' ? body.port : ''}
        onChange={(value) => onChange(withFieldAt(body, 'port', value))}
      />
      {security !== 'none' && (
        <>
          <Line {...props} path="login.user" label={t('channel.user')} />
          <Line
            {...props}
            path="login.password.env"
            label={t('channel.password')}
            placeholder="MAIL_PASSWORD"
          />
          <Line {...props} path="caFile" label={t('channel.ca')} description={t('channel.caHelp')} />
        </>
      )}
      <Line {...props} path="from" label={t('channel.from')} placeholder="holdfast@example.org" />
      <Textarea
        label={t('channel.to')}
        description={t('channel.toHelp')}
        autosize
        error={problem('to') ?? problem('to.0')}
        value={((body.to as string[] | undefined) ?? []).join('\n')}
        onChange={(event) => onChange({ ...body, to: event.currentTarget.value.split('\n') })}
      />
    </>
  );
}
