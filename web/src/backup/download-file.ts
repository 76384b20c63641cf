import { useMutation } from '@tanstack/react-query';
import { proven } from '../api/client.ts';

/** Fetches what an address gives as a file. The password is asked for first, where it is needed; a refusal leaves the page as it is. */
export const useDownload = () =>
  useMutation({
    async mutationFn(address: string) {
      if (!(await proven())) return;
      const link = document.createElement('a');
      link.href = address;
      link.download = '';
      link.click();
    },
  });

/** Hands a file that was fetched over to the browser's downloads. */
export function saveFile(content: Blob, name: string): void {
  const link = document.createElement('a');
  link.href = URL.createObjectURL(content);
  link.download = name;
  link.click();
  // Not at once: the browser reads it after the click.
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}
