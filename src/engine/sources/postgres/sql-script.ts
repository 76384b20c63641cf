/**
 * Follows a plain SQL script as psql does (PostgreSQL's src/fe_utils/psqlscan.l), far enough to tell statements, COPY data
 * and psql's own commands apart. Bytes are taken as ASCII and what lies above it, which holds for UTF-8.
 */
import { HoldfastError } from '../../base/errors.ts';

export type SqlEvent =
  /** With its semicolon; `COPY … FROM stdin` comes as `copy`. */
  | { readonly kind: 'statement'; readonly sql: Buffer }
  | { readonly kind: 'copy'; readonly sql: Buffer }
  /** COPY data; all of it between `copy` and `copy-end` joined are whole lines. */
  | { readonly kind: 'rows'; readonly bytes: Buffer }
  | { readonly kind: 'copy-end' }
  /** A line that begins with a backslash: a command to psql, which the server never sees. */
  | { readonly kind: 'meta'; readonly line: string };

export interface SqlScript {
  /** Takes the next bytes, split anywhere. What it gives is valid until the next call. */
  push(bytes: Buffer): Generator<SqlEvent>;
  /** Gives what stands behind the last semicolon. False when the script ends inside COPY data, a quote or a comment. */
  end(): { readonly rest: Buffer; readonly isWhole: boolean };
}

const NEWLINE = 0x0a;
/** A backslash, a point, and a line end of one or two bytes. */
const END_MARK_BYTES = 4;
/** Of a line outside of COPY data, and of a statement: they are held as a whole. */
const MAX_LINE_BYTES = 2 ** 28;
const COPY_END = /^\\\.\r?\n?$/;
const COPY_FROM_STDIN = /^\s*COPY\s[\s\S]*\sFROM\s+STDIN\b[^']*;\s*$/i;

export function sqlScript(): SqlScript {
  let begun: Buffer[] = [];
  let begunBytes = 0;
  let statement: Buffer[] = [];
  let statementBytes = 0;
  let lineBegins = true;
  let inCopy = false;
  const scan = lineScanner();

  function* line(bytes: Buffer): Generator<SqlEvent> {
    const text = bytes.toString('latin1');
    if (scan.isIdle() && statement.length === 0 && /^\s*\\/.test(text)) {
      yield { kind: 'meta', line: bytes.toString('utf8').trim() };
      return;
    }
    let from = 0;
    for (const end of scan.line(text)) {
      const sql = Buffer.concat([...statement, bytes.subarray(from, end)]);
      statement = [];
      statementBytes = 0;
      from = end;
      const isCopy = COPY_FROM_STDIN.test(withoutComments(sql.toString('latin1')));
      yield { kind: isCopy ? 'copy' : 'statement', sql };
      if (isCopy) inCopy = true;
    }
    const rest = bytes.subarray(from);
    if (!scan.isIdle() || statement.length > 0 || rest.toString('latin1').trim() !== '') {
      if (scan.isIdle() && statement.length === 0 && /^\s*(--.*)?\s*$/.test(rest.toString('latin1'))) return;
      statement.push(Buffer.from(rest));
      statementBytes += rest.length;
      if (statementBytes > MAX_LINE_BYTES) throw tooLong();
    }
  }

  /** Rows go on as they come: of a line that is not whole, only as much is held as an end mark has. Gives where it stopped. */
  function* copyData(bytes: Buffer, start: number): Generator<SqlEvent, number> {
    let at = start;
    for (;;) {
      const end = bytes.indexOf(NEWLINE, at) + 1;
      if (end === 0) break;
      if (lineBegins && end - at <= END_MARK_BYTES && COPY_END.test(bytes.toString('latin1', at, end))) {
        if (at > start) yield { kind: 'rows', bytes: bytes.subarray(start, at) };
        yield { kind: 'copy-end' };
        inCopy = false;
        return end;
      }
      lineBegins = true;
      at = end;
    }
    if (!lineBegins || bytes.length - at > END_MARK_BYTES) {
      lineBegins = at === bytes.length && lineBegins;
      at = bytes.length;
    }
    if (at > start) yield { kind: 'rows', bytes: bytes.subarray(start, at) };
    return at;
  }

  return {
    *push(given) {
      let bytes = given;
      if (begunBytes > 0) {
        begun.push(Buffer.from(given));
        begunBytes += given.length;
        if (begunBytes > MAX_LINE_BYTES) throw tooLong();
        if (!inCopy && given.indexOf(NEWLINE) < 0) return;
        bytes = Buffer.concat(begun);
        begun = [];
        begunBytes = 0;
      }
      let at = 0;
      for (;;) {
        if (inCopy) {
          at = yield* copyData(bytes, at);
          if (inCopy) break;
          continue;
        }
        const end = bytes.indexOf(NEWLINE, at) + 1;
        if (end === 0) break;
        yield* line(bytes.subarray(at, end));
        if (inCopy) lineBegins = true;
        at = end;
      }
      if (at === bytes.length) return;
      begun = [Buffer.from(bytes.subarray(at))];
      begunBytes = begun[0]!.length;
    },
    end() {
      const rest = Buffer.concat([...statement, ...begun]);
      if (inCopy) return { rest, isWhole: COPY_END.test(rest.toString('latin1')) };
      return { rest, isWhole: scan.isIdle() };
    },
  };
}

const tooLong = () =>
  new HoldfastError(
    'limit_exceeded',
    `the SQL script has a statement beyond the limit of ${MAX_LINE_BYTES} bytes`,
  );

/** Comments before a statement belong to it, and must not hide what it is. */
function withoutComments(sql: string): string {
  return sql.replace(/^(\s|--[^\n]*\n)+/, '');
}

type Quote = { readonly end: string; readonly escapes: boolean };

/** Knows where statements end, across lines. */
function lineScanner() {
  let quote: Quote | null = null;
  let commentDepth = 0;
  let parenthesisDepth = 0;
  let beginDepth = 0;
  let words: string[] = [];

  /** Gives the position behind a quote that ends in this line, else the end of the line. */
  const skipQuote = (text: string, from: number): number => {
    const { end, escapes } = quote!;
    let at = from;
    while (at < text.length) {
      if (escapes && text[at] === '\\') at += 2;
      else if (text.startsWith(end, at)) {
        quote = null;
        return at + end.length;
      } else at += 1;
    }
    return at;
  };
  const skipComment = (text: string, from: number): number => {
    let at = from;
    while (at < text.length && commentDepth > 0) {
      if (text.startsWith('/*', at)) commentDepth += 1;
      else if (text.startsWith('*/', at)) commentDepth -= 1;
      else {
        at += 1;
        continue;
      }
      at += 2;
    }
    return at;
  };
  /** The body of a function in SQL holds semicolons between BEGIN and END: `identifier` in psqlscan.l. */
  const word = (text: string) => {
    const name = text.toLowerCase();
    if (words.length < 4) words.push(name);
    const isRoutine = words[0] === 'create' && words.some((one) => one === 'function' || one === 'procedure');
    if (!isRoutine || parenthesisDepth > 0) return;
    if (name === 'begin' || (name === 'case' && beginDepth > 0)) beginDepth += 1;
    else if (name === 'end' && beginDepth > 0) beginDepth -= 1;
  };

  const TOKEN =
    /'|"|\$(?:[A-Za-z_\x80-\xff][A-Za-z0-9_\x80-\xff]*)?\$|--|\/\*|;|\(|\)|[A-Za-z_\x80-\xff][A-Za-z0-9_$\x80-\xff]*/g;

  return {
    isIdle: () => quote === null && commentDepth === 0,
    /** Where statements end in this line: behind their semicolons. */
    *line(text: string): Generator<number> {
      let at = 0;
      while (at < text.length) {
        if (quote !== null) at = skipQuote(text, at);
        else if (commentDepth > 0) at = skipComment(text, at);
        else {
          TOKEN.lastIndex = at;
          const match = TOKEN.exec(text);
          if (match === null) return;
          const token = match[0];
          at = match.index + token.length;
          if (token === '--') return;
          if (token === "'") quote = { end: "'", escapes: false };
          else if (token === '"') quote = { end: '"', escapes: false };
          else if (token[0] === '$') quote = { end: token, escapes: false };
          else if (token === '/*') commentDepth = 1;
          else if (token === '(') parenthesisDepth += 1;
          else if (token === ')') parenthesisDepth = Math.max(0, parenthesisDepth - 1);
          else if (token === ';') {
            if (parenthesisDepth > 0 || beginDepth > 0) continue;
            words = [];
            yield at;
          } else if (/^e$/i.test(token) && text[at] === "'") {
            quote = { end: "'", escapes: true };
            at += 1;
          } else word(token);
        }
      }
    },
  };
}
