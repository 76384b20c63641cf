/**
 * Sentences that the server writes without a code of their own, as they stand in its sources, with their gaps named. A gap `n` is a
 * number. test/e2e/server-words.test.ts holds that each is still one of the server's.
 */
export const sentencesGerman: Readonly<Record<string, string>> = {
  // health
  'it is switched off': 'er ist ausgeschaltet',
  'there is no good backup': 'es gibt keine gute Sicherung',
  'the last good backup is {n} hours old, {n2} are allowed':
    'die letzte gute Sicherung ist {n} Stunden alt, {n2} sind erlaubt',
  'the last restore was proven {n} days ago': 'vor {n} Tagen wurde zuletzt eine Wiederherstellung bewiesen',
  'the last drill failed; the last that passed is {n} days old':
    'die letzte Probe misslang; die letzte, die gelang, ist {n} Tage alt',
  // tests of destinations
  'writes, reads back and lists': 'schreibt, liest zurück und listet auf',
  'writes, reads back, lists and deletes': 'schreibt, liest zurück, listet auf und löscht',
  'a new object was said to exist already': 'von einem neuen Objekt hieß es, es sei schon da',
  'other bytes came back than were written': 'andere Bytes kamen zurück, als geschrieben wurden',
  'an object that was just written is not listed': 'ein eben geschriebenes Objekt wird nicht aufgelistet',
  'an object that was deleted is still there': 'ein gelöschtes Objekt ist noch da',
  'do not use this destination': 'dieses Ziel nicht benutzen',
  'run rotate and prune elsewhere, with a key that may delete':
    'Aufbewahrung und Aufräumen anderswo laufen lassen, mit einem Schlüssel, der löschen darf',
  '{message}; backups work, and nobody can delete them with it':
    '{message}; Sicherungen gehen, und niemand kann sie damit löschen',
  'the server refuses to overwrite': 'der Server weigert sich zu überschreiben',
  'the bucket takes locks': 'der Bucket nimmt Sperren an',
  'the address asks for locks, and the bucket takes none':
    'die Adresse verlangt Sperren, und der Bucket nimmt keine an',
  'the server does not say whether the bucket takes locks':
    'der Server sagt nicht, ob der Bucket Sperren annimmt',
  'use an endpoint that begins with https://': 'einen Endpunkt nehmen, der mit https:// beginnt',
  'make a new bucket with Object Lock enabled, or leave lock out of the address':
    'einen neuen Bucket mit Object Lock anlegen, oder lock in der Adresse weglassen',
  'allow s3:GetBucketObjectLockConfiguration to this key':
    'diesem Schlüssel s3:GetBucketObjectLockConfiguration erlauben',
  'the server syncs what it stores': 'der Server sichert auf die Platte, was er speichert',
  'the server cannot sync: a power loss there may take backups that were called a success':
    'der Server kann nicht auf die Platte sichern: ein Stromausfall dort kann Sicherungen nehmen, die als gelungen galten',
  'the server never replaces an object': 'der Server ersetzt nie ein Objekt',
  'use the SFTP server of OpenSSH, and run holdfast verify after a power loss':
    'den SFTP-Server von OpenSSH benutzen, und nach einem Stromausfall holdfast verify laufen lassen',
  'there is no destination to test': 'es gibt kein Ziel zu prüfen',
  // restores
  '{target} is there already': '{target} gibt es schon',
  'a tenant is restored into a PostgreSQL database':
    'ein Mandant wird in eine PostgreSQL-Datenbank wiederhergestellt',
  '{database} is a template': '{database} ist eine Vorlage',
  'the role {role} may not create databases': 'die Rolle {role} darf keine Datenbanken anlegen',
  'the role {role} is no member of {owner}, who owns {database}':
    'die Rolle {role} gehört nicht zu {owner}, dem {database} gehört',
  '{database} holds {n} prepared transactions': '{database} hat {n} vorbereitete Transaktionen',
  '{artifact}/{path} was left out: {reason}': '{artifact}/{path} wurde weggelassen: {reason}',
  'what was at {target} is kept at {place}': 'was in {target} war, ist in {place} aufbewahrt',
  'restored with it: {names}': 'mit wiederhergestellt: {names}',
  '{n} statements about owners and grants were left out':
    '{n} Anweisungen über Eigentümer und Rechte wurden weggelassen',
  'rows were counted and not compared bit for bit: the backup is of another major version':
    'Zeilen wurden gezählt und nicht Bit für Bit verglichen: die Sicherung ist von einer anderen Hauptversion',
  'connected to {place} and soon ended: {sessions}': 'mit {place} verbunden und bald beendet: {sessions}',
  '{target} is not empty': '{target} ist nicht leer',
  '{target} is in use': '{target} ist in Gebrauch',
  'nothing was restored: no safety backup of the target could be made: {message}':
    'nichts wurde wiederhergestellt: vom Ort ließ sich keine Sicherheits-Sicherung machen: {message}',
  '{next}, or restore without safety backup': '{next}, oder ohne Sicherheits-Sicherung wiederherstellen',
  'drop what an earlier restore left there, or choose another target':
    'entfernen, was eine frühere Wiederherstellung dort ließ, oder einen anderen Ort wählen',
  'name a folder': 'einen Ordner nennen',
  '{to} is neither a stored source nor an absolute path':
    '{to} ist weder eine gespeicherte Quelle noch ein absoluter Pfad',
  'the source {name} has no single place to restore to':
    'die Quelle {name} hat keinen einzelnen Ort, an den etwas zurück kann',
  'this is production, and restoring here was not confirmed':
    'das hier ist Produktion, und das Wiederherstellen wurde nicht bestätigt',
  'start the server with CONFIRM_RESTORE_IN_PROD=true': 'den Server mit CONFIRM_RESTORE_IN_PROD=true starten',
  'nothing was changed': 'nichts wurde geändert',
  'somebody changed rows of this tenant meanwhile': 'jemand änderte inzwischen Zeilen dieses Mandanten',
  'the backup holds no table of tenants': 'die Sicherung hat keine Tabelle mit Mandanten',
  'no destination holds the backup {id} any more': 'kein Ziel hat die Sicherung {id} noch',
  'no copy answered within {n} seconds': 'keine Kopie antwortete innerhalb von {n} Sekunden',
  // drills
  'as expected': 'wie erwartet',
  'its runner ended without an answer': 'ihr Läufer endete ohne Antwort',
  'no answer: {message}': 'keine Antwort: {message}',
  'the query gave {n} rows instead of one value': 'die Abfrage gab {n} Zeilen statt eines Werts',
  '{n} rows instead of {n2}': '{n} Zeilen statt {n2}',
  '{found} instead of {wanted}': '{found} statt {wanted}',
  '{found}, which it must not be': '{found}, was es nicht sein darf',
  'the drill was interrupted, and nothing of it is left':
    'die Probe wurde unterbrochen, und nichts ist von ihr übrig',
  'run it again': 'noch einmal starten',
  'no application was started against the restored state: the plan names none':
    'keine Anwendung wurde mit dem Wiederhergestellten gestartet: der Plan nennt keine',
  'it was a trial, with other checks than those of the plan':
    'es war ein Versuch, mit anderen Prüfungen als denen des Plans',
  'removed what the interrupted drill {id} had left': 'entfernt, was die unterbrochene Probe {id} hinterließ',
  'PostgreSQL {version} made for this drill: a private socket, no TCP, durability off':
    'PostgreSQL {version}, für diese Probe gemacht: eigener Socket, kein TCP, ohne Haltbarkeit',
  'a scratch database on {address}, PostgreSQL {version}':
    'eine Wegwerf-Datenbank auf {address}, PostgreSQL {version}',
  '{name}: owners and grants were left out': '{name}: Eigentümer und Rechte wurden weggelassen',
  'checks of a trial run need the permission plans:write everywhere':
    'Prüfungen eines Versuchs brauchen überall die Erlaubnis plans:write',
  // runs
  'it was cancelled': 'er wurde abgebrochen',
  'it was cancelled before it began': 'er wurde abgebrochen, bevor er begann',
  'its worker was stopped': 'sein Arbeiter wurde angehalten',
  'start it again if it is wanted after all': 'noch einmal starten, wenn er doch gewünscht ist',
  'another worker goes on': 'ein anderer Arbeiter macht weiter',
  'the worker ended, or was cut off, while the job ran':
    'der Arbeiter endete oder wurde abgeschnitten, während die Aufgabe lief',
  'more warnings are not kept': 'weitere Warnungen werden nicht aufbewahrt',
  'destination {destination} could not be read: {more}': 'Das Ziel {destination} war nicht lesbar: {more}',
  'the destinations could not be read: {more}': 'Die Ziele waren nicht lesbar: {more}',
  '{n} entries could not be read': '{n} Einträge waren nicht lesbar',
  'no copy at {names}; it is made good later': 'keine Kopie in {names}; sie wird nachgeholt',
  'copies are still missing at {names}': 'Kopien fehlen noch in {names}',
  'retention of {plan} is paused: {reason}': 'die Aufbewahrung von {plan} ruht: {reason}',
  '{path} does not exist': '{path} gibt es nicht',
  '{path} may not be read': '{path} darf nicht gelesen werden',
  '{path} vanished before it could be read': '{path} verschwand, bevor es gelesen war',
  '{path} is not an SQLite database, or is encrypted':
    '{path} ist keine SQLite-Datenbank, oder ist verschlüsselt',
  '{path} stayed locked for {n} ms': '{path} blieb {n} ms lang gesperrt',
  '{path} is damaged: {why}': '{path} ist beschädigt: {why}',
  '{path} cannot be opened with these permissions: {why}':
    '{path} lässt sich mit diesen Rechten nicht öffnen: {why}',
  'the command of {name} wrote nothing': 'der Befehl von {name} schrieb nichts',
  '{name} does not take the backup: {why}': '{name} nimmt die Sicherung nicht an: {why}',
  'owners and grants are left out: {reason}': 'Eigentümer und Rechte sind weggelassen: {reason}',
  // who may what
  'this needs the permission {permission}': 'das braucht die Erlaubnis {permission}',
  'this cannot be done with a token': 'das geht nicht mit einem Token',
  'log in as a user': 'als Nutzer anmelden',
  'the role {role} is not yours to give': 'die Rolle {role} dürfen Sie nicht vergeben',
  'the owner cannot be changed here': 'der Eigentümer lässt sich hier nicht ändern',
  'you cannot change yourself here': 'sich selbst kann man hier nicht ändern',
  'you do not have {scope} yourself': 'Sie haben {scope} selbst nicht',
  'this code is not right': 'dieser Code stimmt nicht',
  'this code is not right, or was used': 'dieser Code stimmt nicht, oder wurde benutzt',
  'this user is disabled': 'dieser Nutzer ist gesperrt',
  'there is a second factor already': 'es gibt schon einen zweiten Faktor',
  'remove it first': 'ihn zuerst entfernen',
  'there were too many attempts to log in': 'es gab zu viele Versuche, sich anzumelden',
  'wait {n} minutes, or log in with a code from "holdfast access login-code" on the server':
    '{n} Minuten warten, oder mit einem Code von „holdfast access login-code“ auf dem Server anmelden',
  'too many people are logging in at this moment': 'zu viele melden sich in diesem Augenblick an',
  'this password is easy to guess: {why}': 'dieses Passwort ist leicht zu erraten: {why}',
  'this plan may use only what belongs to its tenant':
    'dieser Plan darf nur benutzen, was seinem Mandanten gehört',
  'hooks and checks of a plan need the permission plans:write everywhere':
    'Hooks und Prüfungen eines Plans brauchen überall die Erlaubnis plans:write',
  // plans, sources, destinations, settings
  'there is a {kind} {name} already': '{name} gibt es schon',
  'there is a user {name} already': 'den Nutzer {name} gibt es schon',
  'there is a tenant {id} already': 'den Mandanten {id} gibt es schon',
  'there is no plan {name}': 'es gibt keinen Plan {name}',
  'there is no tenant {id}': 'es gibt keinen Mandanten {id}',
  'there is no user {id}': 'es gibt keinen Nutzer {id}',
  'there is no job {id}': 'es gibt keinen Lauf {id}',
  'there is no drill {id}': 'es gibt keine Probe {id}',
  'there is no restore {id}': 'es gibt keine Wiederherstellung {id}',
  'no backup has the id {id}': 'keine Sicherung hat die Kennung {id}',
  'backup {id} is on hold': 'die Sicherung {id} ist festgehalten',
  'backup {id} is the last good one of its plan': 'die Sicherung {id} ist die letzte gute ihres Plans',
  'make another one first, or say last_good=true':
    'zuerst eine weitere machen, oder sagen, dass es auch die letzte sein darf',
  '"{id}" is not a valid tenant id': '„{id}“ ist keine gültige Kennung eines Mandanten',
  'name: must be 2 to 100 letters, digits, or . _ @ + -':
    'der Name muss 2 bis 100 Buchstaben, Ziffern oder . _ @ + - haben',
  '"{name}" is not a name: 1 to 64 letters, digits, ".", "_" or "-", beginning with a letter or digit':
    '„{name}“ ist kein Name: 1 bis 64 Buchstaben, Ziffern, „.“, „_“ oder „-“, am Anfang ein Buchstabe oder eine Ziffer',
  'the destination {name} has a key already': 'das Ziel {name} hat schon einen Schlüssel',
  '{kind} {name} is at version {n}, and the change was made to version {n2}':
    '{name} ist bei Version {n}, und die Änderung galt Version {n2}',
  'setting {name} was changed meanwhile': 'die Einstellung {name} wurde inzwischen geändert',
  'tenant {name} was changed meanwhile': 'der Mandant {name} wurde inzwischen geändert',
  '{kind} {name} is at version {n} meanwhile': '{name} ist inzwischen bei Version {n}',
  'must begin with /': 'muss mit / beginnen',
  'must begin with postgres://': 'muss mit postgres:// beginnen',
  'must begin with https:// or http://': 'muss mit https:// oder http:// beginnen',
  'must be an e-mail address such as ops@example.org': 'muss eine E-Mail-Adresse wie ops@example.org sein',
  'must be an absolute path or a postgres:// address':
    'muss ein absoluter Pfad oder eine Adresse mit postgres:// sein',
  'must be the name of an environment variable': 'muss der Name einer Umgebungsvariable sein',
  'must not be sent in the clear: use starttls or tls':
    'darf nicht im Klartext gesendet werden: starttls oder tls benutzen',
  'must not hold a password: name it in s3, sftp or supabase':
    'darf kein Passwort enthalten: es in s3, sftp oder supabase nennen',
  'must name sources of this plan': 'muss Quellen dieses Plans nennen',
  'needs either url or urlEnv': 'braucht entweder url oder urlEnv',
  'needs either path or paths': 'braucht entweder path oder paths',
  'needs either env or file': 'braucht entweder env oder file',
  'needs either command or shell': 'braucht entweder command oder shell',
  'needs destination or destinations, not both': 'braucht destination oder destinations, nicht beides',
  'is neither a stored source nor an absolute path':
    'ist weder eine gespeicherte Quelle noch ein absoluter Pfad',
  'is missing': 'fehlt',
  'is not a field': 'ist kein Feld',
  'is not a valid tenant id': 'ist keine gültige Kennung eines Mandanten',
  '"{cron}" has {n} fields, and five are needed': '„{cron}“ hat {n} Felder, und fünf sind nötig',
  '"{cron}" never comes': '„{cron}“ kommt nie',
  // uploads
  'the upload needs {n} bytes, {n2} are free': 'die Übertragung braucht {n} Bytes, {n2} sind frei',
  'there is no upload {id}': 'es gibt keine Übertragung {id}',
  'begin a new one': 'eine neue beginnen',
  'upload the bundle first': 'zuerst das Bündel hochladen',
  'the upload {id} is being sent already': 'die Übertragung {id} wird schon gesendet',
  'the upload {id} is not complete': 'die Übertragung {id} ist nicht vollständig',
  'the upload {id} is at {n}, not at {n2}': 'die Übertragung {id} ist bei {n}, nicht bei {n2}',
  "the server's disk is full: the upload is not all there":
    'die Platte des Servers ist voll: die Übertragung ist nicht vollständig',
  "the server's disk does not take the upload": 'die Platte des Servers nimmt die Übertragung nicht an',
  'free space on the server, then send the rest': 'auf dem Server Platz schaffen, dann den Rest senden',
  'backup {id} is known with other content: {what}':
    'die Sicherung {id} ist mit anderem Inhalt bekannt: {what}',
  'other bytes arrived than were announced by their SHA-256':
    'andere Bytes kamen an, als ihre SHA-256 ankündigte',
  'open the backup first': 'zuerst die Sicherung öffnen',
  'another restore began': 'eine andere Wiederherstellung begann',
  'this is not the catalog of a Holdfast: {why}': 'das ist nicht der Katalog eines Holdfast: {why}',
  'name the artifact that holds catalog.db': 'das Artefakt nennen, das catalog.db enthält',
  // notices and addresses
  'the name {name} cannot be resolved': 'der Name {name} lässt sich nicht auflösen',
  'the name {name} has no address': 'der Name {name} hat keine Adresse',
  'the secret of channel {name} has less than 16 characters':
    'das Geheimnis des Kanals {name} hat weniger als 16 Zeichen',
};

/** What a run is doing. Another word is the name of what it is reading or writing, and stays. */
export const phasesGerman: Readonly<Record<string, string>> = {
  // checks of a drill, and their kinds
  holdings: 'Bestand',
  content: 'Inhalt',
  schema: 'Definitionen',
  command: 'Befehl',
  sql: 'Abfrage',
  complete: 'vollständig',
  'content of {name}': 'Inhalt von {name}',
  'rows of {name}': 'Zeilen von {name}',
  'holds {name}': 'enthält {name}',
  'database of {name}': 'Datenbank von {name}',
  'schema of {name}': 'Definitionen von {name}',
  'copy {name}': '{name} kopieren',
  'copy {n} of {n2}': '{n} von {n2} kopieren',
  'compare {name}': '{name} vergleichen',
  'check {name}': '{name} prüfen',
  'server for {name}': 'Server für {name}',
  'tenant {name}': 'Mandant {name}',
  'heal {n} of {n2}': '{n} von {n2} reparieren',
  index: 'Verzeichnis',
  mark: 'Gebrauchtes bestimmen',
  prune: 'Aufräumen',
  packs: 'Packs',
  backups: 'Sicherungen',
  indexes: 'Indizes',
  definitions: 'Definitionen',
  tables: 'Tabellen',
  archive: 'Archiv',
  restore: 'Wiederherstellen',
  rotate: 'Aufbewahrung',
  import: 'Einlesen',
  empty: 'Leeren',
  compare: 'Vergleichen',
  database: 'Datenbank',
  open: 'Öffnen',
  prepare: 'Vorbereiten',
  load: 'Laden',
  files: 'Dateien',
  application: 'Anwendung',
  checks: 'Prüfungen',
  export: 'Ausgeben',
  read: 'Lesen',
  commit: 'Abschließen',
  check: 'Prüfen',
  delete: 'Löschen',
  'before-hooks': 'Hooks davor',
  'after-hooks': 'Hooks danach',
  'load the dump aside': 'Dump daneben laden',
};
