import { Text } from '@mantine/core';
import { Link } from '@tanstack/react-router';
import { PageHead } from '../parts/page-head.tsx';
import { useTexts } from '../texts/texts.ts';

export function NotFoundPage() {
  const t = useTexts();
  return (
    <>
      <PageHead title={t('notFound.title')} />
      <Text mt="md">
        <Link to="/" className="link">
          {t('notFound.home')}
        </Link>
      </Text>
    </>
  );
}
