import assert from 'node:assert/strict';
import { statSync } from 'node:fs';
import { test } from 'node:test';
import { isCommonPassword } from './common-passwords.ts';
import { refuseWeakPassword } from './passwords.ts';

/** From the top of lists of passwords that were found in leaks: those of ten characters and more. */
const COMMON =
  `1234567890 qwertyuiop basketball christopher terminator enterprise strawberry 0123456789 1111111111 0987654321 motherfucker
  password123 1q2w3e4r5t excalibur2 sweetheart 12345678910 playstation 123456789a blackberry mastermind 1123581321 poiuytrewq alessandro
  linkinpark dragonball administrator revolution volleyball skateboard university pinkfloyd1 harrypotter hellokitty 0000000000 watermelon
  international cinderella qwerty1234 abc123456 jesuschrist 1q2w3e4r5t6y aaaaaaaaaa 9876543210 1122334455 1029384756 alexandria
  password12 cheesecake lamborghini thunderbird starwars1 4815162342 qwerty12345 iloveyou2 realmadrid qwerty123456 liverpool1
  123qweasdzxc 10203040 1qaz2wsx3edc counterstrike dragonballz volkswagen zaq12wsxcde3 p@ssw0rd123 P4$$w0rd2024 Passw0rd!! Welcome2026!
  Summer2025! Sommer2025! Admin123456 changeme123 letmein2024 trustno1234 michael1985 jessica12345 !!charlie!! Football#1 baseball99
  monkey123456 dragon12345 iloveyou1234 mypassword1 newpassword asdfasdfasdf asdasdasdasd 123123123123 hellohello qazwsxedcrfv
  qwertzuiop asdfghjkl; zxcvbnm,./ abcdefghij 19841984 01011990 12.03.1987 2024-01-01 +4915112345 superman123 batman2008 ferrari458
  testtest123 administrator1 root123456 postgres123 backup2024 holdfast123 Holdfast2026! secret123456 manchester1 barcelona10 chelsea1905
  galatasaray1905 samsung12345 pokemon2000 bubblegum1 chocolate1 butterfly7 1butterfly 123michael 00michelle00 Jordan23!! cocacola12`
    .split(/\s+/)
    .filter((one) => one.length >= 8);

/** Nothing that anybody is known to have used: phrases, and what programs make. */
const GOOD = [
  ...[
    'tin roof rusted 42',
    'a long walk by the sea',
    'correct horse battery',
    'seven wet umbrellas',
    'kaffee am kanal, um 6',
  ],
  ...[
    'xK4#pQ9!vz',
    'gL7nQ2rTz0aW',
    'b3c5-91aa-77fe-02',
    'plover-anchor-mulch',
    'my neighbour paints at night',
    'Überfahrt nach Föhr',
  ],
  ...['9f86d081884c7d65', 'wet-tiger-lamp-44', 'monkeys eat no soup', 'password manager made this 8Zq'],
];

test('what guessers try first is refused, in the ways people dress it up', () => {
  assert.deepEqual(
    COMMON.filter((one) => !isCommonPassword(one)),
    [],
  );
  assert.deepEqual(
    COMMON.map((one) => one.toUpperCase()).filter((one) => !isCommonPassword(one)),
    [],
  );
  assert.throws(() => refuseWeakPassword('Welcome2026!', 'ada'), {
    code: 'password_weak',
    message: /most common/,
  });
});

test('phrases and what programs make are taken', () => {
  assert.deepEqual(
    GOOD.filter((one) => isCommonPassword(one)),
    [],
  );
  for (const one of GOOD) refuseWeakPassword(one, 'ada');
});

test('the list covers far more than three thousand, and stays small', () => {
  const size = statSync(new URL('./common-passwords.txt', import.meta.url)).size;
  assert.ok(size < 30_000, String(size));
  const endings = ['1', '12', '123', '1234', '12345', '!', '1!', '2024', '2025', '2026', '99', '007'];
  const words = ['sunshine', 'charlotte', 'liverpool', 'starwars', 'basketball'];
  const dressed = words.flatMap((word) => endings.map((ending) => `${word}${ending}`));
  assert.deepEqual(
    dressed.filter((one) => !isCommonPassword(one)),
    [],
  );
});
