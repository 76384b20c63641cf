import assert from 'node:assert/strict';
import { test } from 'node:test';
import { attachment } from './download.ts';

test('no name ends the header, becomes a path or a hidden file', () => {
  const cases: readonly (readonly [name: string, plain: string, whole: string | null])[] = [
    ['db.dump', 'db.dump', null],
    ['a b.txt', 'a_b.txt', 'a%20b.txt'],
    ['"; filename="evil.exe', '___filename__evil.exe', '%22%3B%20filename%3D%22evil.exe'],
    ['a\r\nSet-Cookie: x', 'a__Set-Cookie__x', 'a%0D%0ASet-Cookie%3A%20x'],
    ['../../etc/passwd', '__.._etc_passwd', '.._.._etc_passwd'],
    ['..\\boot.ini', '__boot.ini', '.._boot.ini'],
    ['.bashrc', '_bashrc', '.bashrc'],
    ['ä’s (1)*.png', '__s__1__.png', '%C3%A4%E2%80%99s%20%281%29%2A.png'],
    ['\ud800', '_', '%EF%BF%BD'],
    ['', 'file', null],
  ];
  for (const [name, plain, whole] of cases) {
    const second = whole === null ? '' : `; filename*=UTF-8''${whole}`;
    assert.equal(attachment(name), `attachment; filename="${plain}"${second}`, JSON.stringify(name));
  }
});
