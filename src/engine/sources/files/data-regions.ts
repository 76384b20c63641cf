import { spawn } from 'node:child_process';

/** Asking costs a child process, reading this many zeros about as much. */
export const WORTH_ASKING_BYTES = 64 << 20;
const ANSWER_MAX_BYTES = 4 << 20;

/**
 * Node cannot ask the file system where a file's holes are (SEEK_DATA, SEEK_HOLE); perl, which Debian always has,
 * can. The file is its standard input. Exit 3 when the file system does not answer.
 */
const SCRIPT = `my ($at, $size) = (0, shift);
while ($at < $size) {
  my $data = sysseek(STDIN, $at, 3);
  if (!defined $data) { last if $! == 6; exit 3; }
  my $hole = sysseek(STDIN, $data, 4);
  exit 3 unless defined $hole;
  print $data + 0, " ", $hole + 0, "\\n";
  $at = $hole + 0;
}`;

export type Region = readonly [begin: number, end: number];

/**
 * Where a file that is open as `fd` may hold anything but zeros, ascending; null when that cannot be found out,
 * and everything has to be read. Good as long as the file is not written to.
 */
export async function dataRegions(fd: number, sizeBytes: number): Promise<Region[] | null> {
  const child = spawn('perl', ['-e', SCRIPT, String(sizeBytes)], { stdio: [fd, 'pipe', 'ignore'], env: {} });
  const ended = new Promise<boolean>((resolve) => {
    child.on('error', () => resolve(false));
    child.on('close', (code) => resolve(code === 0));
  });
  let answer = '';
  child.stdout!.setEncoding('latin1').on('data', (text: string) => {
    answer += text;
    if (answer.length > ANSWER_MAX_BYTES) child.kill('SIGKILL');
  });
  return (await ended) ? parseRegions(answer, sizeBytes) : null;
}

/** Null for anything but ascending regions within the file. */
export function parseRegions(answer: string, sizeBytes: number): Region[] | null {
  const regions: Region[] = [];
  let last = 0;
  for (const line of answer.split('\n')) {
    if (line === '') continue;
    const match = /^(\d{1,16}) (\d{1,16})$/.exec(line);
    if (!match) return null;
    const begin = Number(match[1]);
    const end = Math.min(Number(match[2]), sizeBytes);
    if (begin < last || end <= begin) return null;
    regions.push([begin, end]);
    last = end;
  }
  return regions;
}
