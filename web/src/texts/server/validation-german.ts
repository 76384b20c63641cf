/** What is wrong with a field; see `sentences-german.ts`. */
export const validationGerman: Readonly<Record<string, string>> = {
  'must not be empty': 'darf nicht leer sein',
  'must be true': 'muss true sein',
  'must be a name, or a map of fields': 'muss ein Name sein oder Felder haben',
  'must be 1 to 64 letters, digits, ".", "_" or "-", beginning with a letter or digit':
    'muss 1 bis 64 Buchstaben, Ziffern, „.“, „_“ oder „-“ haben und mit Buchstabe oder Ziffer beginnen',
  'must be a plain file name, such as keys.csv': 'muss ein einfacher Dateiname sein, etwa keys.csv',
  'must be a short label such as eu or de-fra': 'muss ein kurzes Wort sein, etwa eu oder de-fra',
  'must be a fingerprint that begins with SHA256:': 'muss ein Fingerabdruck sein, der mit SHA256: beginnt',
  'must be aws-kms:arn:aws:kms:REGION:ACCOUNT:key/ID or vault-transit:MOUNT/KEY':
    'muss aws-kms:arn:aws:kms:REGION:ACCOUNT:key/ID oder vault-transit:MOUNT/KEY sein',
  'must be a path below the artifact, without a slash at either end':
    'muss ein Pfad im Artefakt sein, ohne Schrägstrich am Anfang und am Ende',
  'must be a domain in lower case such as example.org':
    'muss eine klein geschriebene Domain sein, etwa example.org',
  'must be a time such as 2026-01-31T03:00:00Z': 'muss eine Zeit wie 2026-01-31T03:00:00Z sein',
  'must be 64 hex digits': 'muss 64 Hexadezimalziffern haben',
  'must hold at least one rule; leave it out for the default':
    'muss mindestens eine Regel haben; weglassen heißt: die Vorgabe',
  'must hold at least one hook': 'muss mindestens einen Hook haben',
  'must name at least one': 'muss mindestens eines nennen',
  'must name at least one table': 'muss mindestens eine Tabelle nennen',
  'must name at least one source': 'muss mindestens eine Quelle nennen',
  'must name at least one destination': 'muss mindestens ein Ziel nennen',
  'must name at least one region': 'muss mindestens eine Region nennen',
  'must name a program': 'muss ein Programm nennen',
  'must not name more than 50': 'darf höchstens 50 nennen',
  'must give somebody a role': 'muss jemandem eine Rolle geben',
  'must not be the name of a key or login of a destination':
    'darf nicht der Name eines Schlüssels oder einer Anmeldung eines Ziels sein',
  'must not hold a key or login of a destination':
    'darf keinen Schlüssel und keine Anmeldung eines Ziels enthalten',
  'needs maxAgeDays or maxRows': 'braucht maxAgeDays oder maxRows',
  'goes with a column of times: say its unit': 'gehört zu einer Spalte mit Zeiten: ihre unit angeben',
  'needs either plan or backup_id': 'braucht entweder plan oder backup_id',
  'is not a scope': 'ist kein Bereich',
  'is not of the form that is needed': 'hat nicht die nötige Form',
  'unknown field': 'dieses Feld gibt es nicht',
  'is not a valid name': 'ist kein gültiger Name',
  'is not what `next` gave': 'ist nicht, was `next` gab',
  '"{name}" is not among the sources of the plan': '„{name}“ ist keine der Quellen des Plans',
  '"{name}" is named twice': '„{name}“ ist zweimal genannt',
  'the {kind} "{name}" is named by {owner} already': '„{name}“ ist schon bei {owner} genannt',
  'the environment variable {name} is not set': 'die Umgebungsvariable {name} ist nicht gesetzt',
};

/** How many, as they stand within a sentence. */
export const countsGerman: Readonly<Record<string, string>> = {
  '{n} row in {n2} table': '{n} Zeile in {n2} Tabelle',
  '{n} row in {n2} tables': '{n} Zeile in {n2} Tabellen',
  '{n} rows in {n2} table': '{n} Zeilen in {n2} Tabelle',
  '{n} rows in {n2} tables': '{n} Zeilen in {n2} Tabellen',
  '{n} entry': '{n} Eintrag',
  '{n} entries': '{n} Einträge',
  '{n} character': '{n} Zeichen',
  '{n} characters': '{n} Zeichen',
};

/** Those that contracts/issue-problems.ts puts together; a test makes the server say each. */
export const boundsGerman: Readonly<Record<string, string>> = {
  'must be a map of fields': 'muss Felder haben',
  'must be a map of names': 'muss Namen haben',
  'must not hold a password: write postgres://user:${NAME}@host/database, or use urlEnv':
    'darf kein Passwort enthalten: postgres://user:${NAME}@host/database schreiben, oder urlEnv benutzen',
  'must have at least {count}': 'muss mindestens {count} haben',
  'must have at most {count}': 'darf höchstens {count} haben',
  'must have exactly {count}': 'muss genau {count} haben',
  'must be at least {n}': 'muss mindestens {n} sein',
  'must be at most {n}': 'darf höchstens {n} sein',
  'must be more than {n}': 'muss mehr als {n} sein',
  'must be less than {n}': 'muss weniger als {n} sein',
  'must be a whole number': 'muss eine ganze Zahl sein',
  'must be a list': 'muss eine Liste sein',
  'must be a string': 'muss ein Text sein',
  'must be a number': 'muss eine Zahl sein',
  'must be a boolean': 'muss true oder false sein',
  'unknown field, did you mean {name}?': 'dieses Feld gibt es nicht; ist {name} gemeint?',
  'unknown field, known here: {names}': 'dieses Feld gibt es nicht; hier gibt es: {names}',
  'must be {names}; did you mean {name}?': 'muss eines davon sein: {names}; ist {name} gemeint?',
  'must be {name} or {names}': 'muss {name} oder {names} sein',
};
