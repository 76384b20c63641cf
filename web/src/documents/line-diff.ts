export interface DiffLine {
  readonly text: string;
  /** Of what is stored now, of what would take its place, or of both. */
  readonly side: 'theirs' | 'mine' | 'both';
}

/** Lines of two texts in order, as few as possible told apart; by the longest common subsequence. For texts of some hundred lines. */
export function lineDiff(theirs: string, mine: string): DiffLine[] {
  const [a, b] = [theirs.split('\n'), mine.split('\n')];
  const width = b.length + 1;
  // The longest common rest from each pair of places.
  const rest = new Uint32Array((a.length + 1) * width);
  const at = (i: number, j: number) => rest[i * width + j]!;
  for (let i = a.length - 1; i >= 0; i -= 1) {
    for (let j = b.length - 1; j >= 0; j -= 1) {
      rest[i * width + j] = a[i] === b[j] ? at(i + 1, j + 1) + 1 : Math.max(at(i + 1, j), at(i, j + 1));
    }
  }
  const lines: DiffLine[] = [];
  let [i, j] = [0, 0];
  while (i < a.length || j < b.length) {
    if (i < a.length && j < b.length && a[i] === b[j]) {
      lines.push({ text: a[i]!, side: 'both' });
      i += 1;
      j += 1;
    } else if (j >= b.length || (i < a.length && at(i + 1, j) >= at(i, j + 1))) {
      lines.push({ text: a[i]!, side: 'theirs' });
      i += 1;
    } else {
      lines.push({ text: b[j]!, side: 'mine' });
      j += 1;
    }
  }
  return lines;
}
