import { Button, FileButton, Group, Stack, Text, Textarea } from '@mantine/core';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { ApiProblem, call } from '../api/client.ts';
import { saveFile } from '../backup/download-file.ts';
import { ChangeTable, type ConfigurationDiff, nameOf } from '../configuration/change-table.tsx';
import { ConfirmedButton } from '../parts/confirmed-button.tsx';
import { Form } from '../parts/form.tsx';
import { PageHead } from '../parts/page-head.tsx';
import { Panel } from '../parts/panel.tsx';
import { ProblemNote } from '../parts/problem-note.tsx';
import { Said } from '../parts/said.tsx';
import { useTexts } from '../texts/texts.ts';

const PATH = '/api/v1/configuration';

/** Configuration as code: the same as `holdfast config export`, `diff` and `apply`. */
export function ConfigurationPage() {
  const t = useTexts();
  const [yaml, setYaml] = useState('');
  const compare = useMutation({
    mutationFn: () => call<ConfigurationDiff>(`${PATH}/diff`, { method: 'POST', body: { yaml } }),
  });
  const load = useMutation({
    mutationFn: async () => (await call<Blob>(PATH, { isFile: true })).text(),
    onSuccess: (text) => write(text),
  });
  const download = useMutation({
    mutationFn: () => call<Blob>(PATH, { isFile: true }),
    onSuccess: (file) => saveFile(file, 'holdfast.yaml'),
  });
  // What was compared is not what stands there any more.
  const write = (text: string) => {
    setYaml(text);
    compare.reset();
  };
  return (
    <Stack gap="md">
      <PageHead title={t('nav.configuration')} text={t('config.text')}>
        <Button variant="default" loading={download.isPending} onClick={() => download.mutate()}>
          {t('config.download')}
        </Button>
      </PageHead>
      <ProblemNote error={download.error ?? load.error} />
      <Panel>
        <Form
          sending={compare}
          submit={t('config.compare')}
          isReady={yaml.trim() !== ''}
          note={<Mistakes error={compare.error} />}
        >
          <Text size="sm">{t('config.compareText')}</Text>
          <Group gap="xs">
            <FileButton
              accept=".yaml,.yml,application/yaml,text/plain"
              onChange={(file) => void file?.text().then(write)}
            >
              {(props) => (
                <Button {...props} size="xs" variant="default">
                  {t('config.choose')}
                </Button>
              )}
            </FileButton>
            <Button size="xs" variant="default" loading={load.isPending} onClick={() => load.mutate()}>
              {t('config.load')}
            </Button>
          </Group>
          <Textarea
            label={t('config.file')}
            classNames={{ input: 'code' }}
            autosize
            minRows={10}
            maxRows={30}
            spellCheck={false}
            value={yaml}
            onChange={(event) => write(event.currentTarget.value)}
          />
        </Form>
      </Panel>
      {compare.data && <Changes key={compare.submittedAt} yaml={yaml} diff={compare.data} />}
    </Stack>
  );
}

/** Each with its place, when the server knows it. */
function Mistakes({ error }: { readonly error: unknown }) {
  const t = useTexts();
  const found = error instanceof ApiProblem ? (error.problem.errors ?? []) : [];
  if (found.length === 0) return <ProblemNote error={error} />;
  return (
    <div role="alert">
      {found.map(({ field, message, line, column }) => (
        <Text size="sm" className="tone-bad" key={`${line}:${field}:${message}`}>
          {line ? `${t('config.place', { line, column: column ?? 1 })}: ` : ''}
          {field && <span className="code">{field}: </span>}
          <Said text={message} />
        </Text>
      ))}
    </div>
  );
}

/** What would change, and the button that changes it. */
function Changes({ yaml, diff }: { readonly yaml: string; readonly diff: ConfigurationDiff }) {
  const t = useTexts();
  const client = useQueryClient();
  const [overwrite, setOverwrite] = useState<ReadonlySet<string>>(new Set());
  const [done, setDone] = useState<ConfigurationDiff | null>(null);
  const changes = diff.changes.filter(({ change }) => change !== 'keep');
  const open = changes.filter((change) => change.conflict && !overwrite.has(nameOf(change)));
  const apply = async () => {
    const body = { yaml, overwrite: [...overwrite] };
    setDone(await call<ConfigurationDiff>(`${PATH}/apply`, { method: 'POST', body }));
    await client.invalidateQueries();
  };
  const allow = (name: string, isAllowed: boolean) =>
    setOverwrite(
      (before) => new Set([...before].filter((one) => one !== name).concat(isAllowed ? name : [])),
    );
  if (done) return <Done done={done} />;
  return (
    <Panel title={t('config.changes')} flush>
      <ChangeTable
        title={t('config.changes')}
        changes={diff.changes}
        overwrite={overwrite}
        onOverwrite={allow}
      />
      {changes.length > 0 && (
        <Stack gap="xs" p="md" align="flex-start">
          {open.length > 0 ? (
            <Text size="sm" className="tone-doubt">
              {t('config.openConflicts')}
            </Text>
          ) : (
            <ConfirmedButton
              label={t('config.apply')}
              name={t('config.apply')}
              text={t('config.applyText', { count: changes.length })}
              isDangerous={changes.some(({ change }) => change === 'delete')}
              size="sm"
              act={apply}
            />
          )}
        </Stack>
      )}
    </Panel>
  );
}

function Done({ done }: { readonly done: ConfigurationDiff }) {
  const t = useTexts();
  return (
    <Panel title={t('config.done')} flush>
      <Stack gap={4} p="md" pb={0}>
        <Text size="sm" role="status" className="tone-good">
          {t('config.applied')}
        </Text>
        {done.warnings.map((warning) => (
          <Text size="sm" role="alert" className="tone-doubt" key={warning}>
            <Said text={warning} />
          </Text>
        ))}
      </Stack>
      <ChangeTable title={t('config.done')} changes={done.changes} />
    </Panel>
  );
}
