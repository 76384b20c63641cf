/** What guessers try first, as far as it is long enough to be accepted otherwise; also with digits or signs behind it. */
export const COMMON_PASSWORDS: ReadonlySet<string> = new Set(
  `password passwort password1 password12 password123 passw0rd p@ssw0rd qwertyuiop qwerty123456 qwertyuiop123 1234567890 12345678910
  123456789a 1q2w3e4r5t 1q2w3e4r5t6y 1qaz2wsx3edc zaq12wsxcde3 asdfghjkl asdfghjkl1 zxcvbnm123 iloveyou iloveyou12 iloveyou123 sunshine
  princess football baseball basketball letmein letmeinnow welcome welcome123 welcome2024 welcome2025 welcome2026 administrator
  admin123456 adminadmin changeme changeme123 changemenow changeit default123 secret123456 supersecret topsecret mysecret backup
  backupbackup backup123456 holdfast holdfast123 trustno1 dragon monkey master superman batman starwars pokemon michael jennifer
  jordan harley ranger buster thomas robert soccer hockey killer george charlie andrew michelle jessica pepper daniel access joshua
  maggie mustang shadow ashley cheese computer internet samsung google12345 facebook whatever freedom nothing hello123456 helloworld
  test123456 testtest test1234567 testpassword temppassword temporary rootroot root123456 toor postgres postgres123 mysql123456
  database oracle123456 server123456 correcthorsebatterystaple abcdefghij abcdefghijkl abc123456789 abcd123456 aa12345678
  0123456789 0987654321 9876543210 1111111111 0000000000 1212121212 11223344556 q1w2e3r4t5 qazwsxedc qazwsxedcrfv
  summer2024 summer2025 summer2026 winter2024 winter2025 winter2026 spring2026 autumn2026`
    .split(/\s+/)
    .filter((word) => word !== ''),
);
