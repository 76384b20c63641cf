/** Sentences like those of `sentences-german.ts`: what sources, places and destinations answer when something is wrong with them. */
export const refusalsGerman: Readonly<Record<string, string>> = {
  // what is thrown without particulars, in the words of docs/errors.md
  'this is not permitted': 'das ist nicht erlaubt',
  'nobody is logged in': 'niemand ist angemeldet',
  'the run was interrupted': 'der Lauf wurde unterbrochen',
  'this needs the password once more': 'das braucht das Passwort noch einmal',
  'user, password or code is not right': 'Nutzer, Passwort oder Code stimmt nicht',
  'no key was given': 'es wurde kein Schlüssel angegeben',
  'the destination does not answer': 'das Ziel antwortet nicht',
  'the destination failed to read or write': 'das Ziel konnte nicht lesen oder schreiben',
  'something unforeseen happened': 'etwas Unvorhergesehenes geschah',
  'nobody waits for it any more': 'niemand wartet mehr darauf',
  'too much is looked at already': 'es wird schon zu viel auf einmal angesehen',
  '{key} is a setting of the server, and no tenant has its own':
    '{key} ist eine Einstellung des Servers, kein Mandant hat eine eigene',
  'set it for all, without a tenant': 'sie für alle setzen, ohne Mandanten',
  // keys and passwords
  'it is shorter than 12 characters': 'es hat weniger als 12 Zeichen',
  'it is digits only': 'es besteht nur aus Ziffern',
  'it is a run of neighbouring characters': 'es ist eine Reihe benachbarter Zeichen',
  'it is little more than "{word}"': 'es ist kaum mehr als „{word}“',
  'it has fewer than {n} characters': 'es hat weniger als {n} Zeichen',
  'it has more than {n} characters': 'es hat mehr als {n} Zeichen',
  'it is among the most common ones': 'es gehört zu den häufigsten',
  'give the current key to write': 'zum Schreiben den jetzigen Schlüssel angeben',
  'give the server another key first': 'dem Server zuerst einen anderen Schlüssel geben',
  'is a key in a service: holdfast key add takes it':
    'ist ein Schlüssel in einem Dienst: holdfast key add nimmt ihn',
  // sources
  '{path} is not a file': '{path} ist keine Datei',
  '{path} is not a folder': '{path} ist kein Ordner',
  '{path} cannot be read': '{path} lässt sich nicht lesen',
  '{path} cannot be read: {why}': '{path} lässt sich nicht lesen: {why}',
  '{path} cannot be read with these permissions': '{path} lässt sich mit diesen Rechten nicht lesen',
  'it takes no connections': 'sie nimmt keine Verbindungen an',
  'this login may not connect to it': 'diese Anmeldung darf sich nicht mit ihr verbinden',
  'its name is no UTF-8, so that no address can name it':
    'ihr Name ist kein UTF-8, darum kann keine Adresse sie nennen',
  'its path is no UTF-8, so that no configuration can name it':
    'ihr Pfad ist kein UTF-8, darum kann keine Konfiguration sie nennen',
  '1 table or sequence cannot be read by this login':
    '1 Tabelle oder Sequenz ist mit dieser Anmeldung nicht lesbar',
  '{n} tables and sequences cannot be read by this login':
    '{n} Tabellen und Sequenzen sind mit dieser Anmeldung nicht lesbar',
  '{host} did not answer within {n} seconds': '{host} antwortete nicht innerhalb von {n} Sekunden',
  '{name} is a variable of the server itself, and no part of an address':
    '{name} ist eine Variable des Servers selbst und kein Teil einer Adresse',
  'allow it in HOLDFAST_ALLOWED_ADDRESSES, or name the variable of the server that holds the address':
    'sie in HOLDFAST_ALLOWED_ADDRESSES erlauben oder die Variable des Servers nennen, in der die Adresse steht',
  '{path} could not be opened: {why}': '{path} ließ sich nicht öffnen: {why}',
  '{path} fails its integrity check: {why}': '{path} besteht seine Integritätsprüfung nicht: {why}',
  '{path} has {n} rows that violate a foreign key':
    '{path} hat {n} Zeilen, die einen Fremdschlüssel verletzen',
  '{path} has tables that only its application can check: {names}':
    '{path} hat Tabellen, die nur ihre Anwendung prüfen kann: {names}',
  'check the path; back it up as files to keep it as it is':
    'den Pfad prüfen; als Dateien sichern, um es so zu behalten, wie es ist',
  '{name}: exporting tables as CSV, since pg_dump is not used':
    '{name}: Tabellen werden als CSV ausgegeben, da pg_dump nicht benutzt wird',
  '{name} asks for a password, and none was given':
    '{name} verlangt ein Passwort, und es wurde keines angegeben',
  'make the database (createdb), or correct its name':
    'die Datenbank anlegen (createdb), oder ihren Namen berichtigen',
  'there is no table {name}': 'es gibt keine Tabelle {name}',
  '{name}: it took longer than {n} ms': '{name}: es dauerte länger als {n} ms',
  '{program} ended with {code}{what}': '{program} endete mit {code}{what}',
  'end the sessions that are connected, or log in as a role that may, and run again':
    'die verbundenen Sitzungen beenden, oder mit einer Rolle anmelden, die das darf, und noch einmal starten',
  'name a source, or choose another --type': 'eine Quelle nennen, oder einen anderen --type wählen',
  // tables that grow
  'the source {name} has no tableRetention for {table}': 'die Quelle {name} hat keine Regel für {table}',
  'the source {name} has no tableRetention for {table} any more':
    'die Quelle {name} hat keine Regel mehr für {table}',
  'tableRetention of {name} {table} names no destination': 'die Regel für {table} von {name} nennt kein Ziel',
  'see docs/table-retention.md, limits': 'siehe docs/table-retention.md, limits',
  '{path} has no table {table}': '{path} hat keine Tabelle {table}',
  '{name} is no database: it has no tables': '{name} ist keine Datenbank: es hat keine Tabellen',
  '{table} is WITHOUT ROWID, and its rows cannot be taken by number':
    '{table} ist WITHOUT ROWID, und ihre Zeilen haben keine Nummern',
  '{table} has columns named rowid, _rowid_ and oid': '{table} hat Spalten namens rowid, _rowid_ und oid',
  '{table} is no table with rows of its own': '{table} ist keine Tabelle mit eigenen Zeilen',
  '{table} has no primary key, and no unique index over columns that are NOT NULL':
    '{table} hat keinen Primärschlüssel und keinen eindeutigen Index über Spalten, die NOT NULL sind',
  '{n} rows of {table} stay locked': '{n} Zeilen von {table} bleiben gesperrt',
  'the archive of {table} is not complete': 'das Archiv von {table} ist nicht vollständig',
  '{name} does not read back as it was written': '{name} kommt nicht so zurück, wie es geschrieben wurde',
  // destinations
  '{address} does not answer: {why}': '{address} antwortet nicht: {why}',
  '{address} refuses it: the key lacks {what}': '{address} lehnt ab: dem Schlüssel fehlt {what}',
  "{address} refuses requests of this machine's clock":
    '{address} lehnt Anfragen mit der Uhrzeit dieser Maschine ab',
  'get a new one, with its access key and secret': 'einen neuen holen, mit Zugangsschlüssel und Geheimnis',
  'there is no bucket {name} at {address}': 'es gibt keinen Bucket {name} in {address}',
  '{name} is not a bucket name': '{name} ist kein Name eines Buckets',
  'give a folder, such as /var/backups/holdfast, s3://bucket/folder or sftp://user@host/folder':
    'einen Ordner angeben, etwa /var/backups/holdfast, s3://bucket/folder oder sftp://user@host/folder',
  '{host} shows the host key {key}, expected was {other}':
    '{host} zeigt den Schlüssel {key}, erwartet war {other}',
  '{host} shows the host key {key}, known_hosts has {other}':
    '{host} zeigt den Schlüssel {key}, in known_hosts steht {other}',
  'nothing was given to log in to {host} with':
    'es wurde nichts angegeben, womit man sich an {host} anmeldet',
  '{host} refused the login of {user}': '{host} wies die Anmeldung von {user} ab',
  'check the user, the password or key, and that the server accepts this way to log in':
    'Nutzer, Passwort oder Schlüssel prüfen, und ob der Server diese Art der Anmeldung annimmt',
  '{host}: the server answered {what}': '{host}: der Server antwortete {what}',
  '{name}: the server stored other bytes than were sent':
    '{name}: der Server speicherte andere Bytes, als gesendet wurden',
  '{name} was replaced while it was read': '{name} wurde ersetzt, während es gelesen wurde',
  '{address} has {free} free, the minimum is {least}: the run was skipped':
    'in {address} sind {free} frei, das Mindeste ist {least}: der Lauf wurde ausgelassen',
  'there is no repository at {address}{what}': 'in {address} ist kein Repository{what}',
  'there is a repository at {address}': 'in {address} ist schon ein Repository',
  '{name} holds {what} but no config': '{name} hat {what}, aber keine config',
  '{name} was seen before and is gone: the repository is older than it was':
    '{name} war schon zu sehen und ist weg: das Repository ist älter, als es war',
  '{name} is doing maintenance': '{name} ist an der Pflege',
  'nothing was pruned, since this cannot be read: {names}{what}':
    'nichts wurde aufgeräumt, denn das ist nicht lesbar: {names}{what}',
  '{n} chunks are missing': '{n} Stücke fehlen',
  '{n} chunks are damaged': '{n} Stücke sind beschädigt',
  '{n} files are hit': '{n} Dateien sind betroffen',
  'there is nothing to prune': 'es gibt nichts aufzuräumen',
  'there is no destination': 'es gibt kein Ziel',
  'there is no destination {name} any more': 'das Ziel {name} gibt es nicht mehr',
  '{name} at {place}: {reason}': '{name} in {place}: {reason}',
  'retention is paused: of the newest backup, {why}':
    'die Aufbewahrung ruht: von der neuesten Sicherung ist {why}',
  '{share} of it is new, where {usual} was usual': '{share} davon ist neu, üblich war {usual}',
  // restores
  'there is no backup yet': 'es gibt noch keine Sicherung',
  'there is no backup of the plan {plan} yet': 'vom Plan {plan} gibt es noch keine Sicherung',
  '{path} could not be written: {why}': '{path} ließ sich nicht schreiben: {why}',
  '{path} cannot be written: {why}': '{path} lässt sich nicht schreiben: {why}',
  '{path} cannot be replaced: {why}': '{path} lässt sich nicht ersetzen: {why}',
  '{path} is a symbolic link to nothing': '{path} ist ein symbolischer Link ins Leere',
  '{path} is a mount point and cannot be replaced as a whole':
    '{path} ist ein Einhängepunkt und lässt sich nicht im Ganzen ersetzen',
  '{path} cannot be looked at: {why}': '{path} lässt sich nicht ansehen: {why}',
  '{path} would differ from what was backed up': '{path} wäre anders als das, was gesichert wurde',
  '{path} would fail its integrity check: {why}': '{path} bestünde seine Integritätsprüfung nicht: {why}',
  '{database} is in use: {sessions}': '{database} ist in Gebrauch: {sessions}',
  '{database} holds the {what}': '{database} enthält {what}',
  '{name} of {backup} is restored into a database': '{name} von {backup} kommt in eine Datenbank zurück',
  'name a postgres:// target': 'einen Ort mit postgres:// nennen',
  'name a database that is missing or empty': 'eine Datenbank nennen, die fehlt oder leer ist',
  '{name} is a script: no table of it can be restored alone':
    '{name} ist ein Skript: daraus lässt sich keine Tabelle allein wiederherstellen',
  'restore the safety backup {id} with --in-place':
    'die Sicherheits-Sicherung {id} mit --in-place wiederherstellen',
  'restore the safety backup instead': 'stattdessen die Sicherheits-Sicherung wiederherstellen',
  'there is nothing to switch back to': 'es gibt nichts, wohin man zurück könnte',
  'nothing is kept of a restore': 'von keiner Wiederherstellung ist etwas aufbewahrt',
  'there is no database {name}: what is kept is not dropped':
    'es gibt keine Datenbank {name}: was aufbewahrt ist, wird nicht entfernt',
  '{path} is not there any more, or is another one': '{path} ist nicht mehr da, oder ein anderes',
  '{target} is being restored by process {n}': '{target} wird gerade von Prozess {n} wiederhergestellt',
  '{name} must not be in the database yet: a table is never restored over another':
    '{name} darf noch nicht in der Datenbank sein: eine Tabelle wird nie über eine andere wiederhergestellt',
  '{name} is passed over: {why}': '{name} wird übergangen: {why}',
  '{name} may hold a newer backup and is not asked: {why}':
    '{name} hat vielleicht eine neuere Sicherung und wird nicht gefragt: {why}',
  // drills
  'everything named by the plan was read': 'alles, was der Plan nennt, wurde gelesen',
  'the backup is incomplete: {why}': 'die Sicherung ist unvollständig: {why}',
  'the backup holds nothing of the source {name}': 'die Sicherung enthält nichts von der Quelle {name}',
  'it is a dump of the database {name}, the plan names {other}':
    'es ist ein Dump der Datenbank {name}, der Plan nennt {other}',
  'the database has no tables': 'die Datenbank hat keine Tabellen',
  'none of its {n} tables has a row': 'keine ihrer {n} Tabellen hat eine Zeile',
  '{message}, every byte equal, integrity check passed{more}':
    '{message}, jedes Byte gleich, Integritätsprüfung bestanden{more}',
  '{message}, {n} bytes of files, every byte equal': '{message}, {n} Bytes in Dateien, jedes gleich',
  '{message}, {more}every row equal': '{message}, {more}jede Zeile gleich',
  '{message}, equal to what was exported': '{message}, gleich dem, was ausgegeben wurde',
  '{message} loaded without an error; nothing to compare them with':
    '{message} ohne Fehler geladen; nichts ist da, womit man sie vergleichen könnte',
  'restored without an error; not compared, since another version writes it differently':
    'ohne Fehler wiederhergestellt; nicht verglichen, da eine andere Version es anders schreibt',
  'equal, SHA-256 {hash}': 'gleich, SHA-256 {hash}',
  'it could not be dumped again': 'sie ließ sich nicht noch einmal ausgeben',
  'answers after {n} ms': 'antwortet nach {n} ms',
  'not asked: the application did not start': 'nicht gefragt: die Anwendung startete nicht',
  'not asked: the application had ended': 'nicht gefragt: die Anwendung war zu Ende',
  '{n} bytes, every byte equal': '{n} Bytes, jedes gleich',
  'not the bytes that were backed up': 'nicht die Bytes, die gesichert wurden',
  '{name}: missing': '{name}: fehlt',
  '{name}: as many rows, but not the same': '{name}: gleich viele Zeilen, aber nicht dieselben',
  '{n} entries that the backup does not have': '{n} Einträge, die die Sicherung nicht hat',
  'make a new backup and drill that': 'eine neue Sicherung machen und diese proben',
  '{path} cannot be used for drills': '{path} lässt sich nicht für Proben benutzen',
  '{path} cannot be made: {why}': '{path} lässt sich nicht anlegen: {why}',
  'name a shorter folder for drills': 'einen kürzeren Ordner für Proben nennen',
  'run the drill as an ordinary user, or add a user postgres':
    'die Probe als gewöhnlicher Nutzer laufen lassen, oder einen Nutzer postgres anlegen',
  'name a server of PostgreSQL {version} or newer': 'einen Server mit PostgreSQL {version} oder neuer nennen',
  'there is no evidence of the drill {id}': 'es gibt keinen Beleg der Probe {id}',
  // imports
  'give a dump of pg_dump (custom format or SQL), a copied SQLite file, or a tar of these':
    'einen Dump von pg_dump (custom oder SQL), eine kopierte SQLite-Datei oder ein tar davon geben',
  '{name} is not a kind of dump that is known': '{name} ist keine bekannte Art von Dump',
  '{name} would be dated {time}, in the future': '{name} wäre von {time}, aus der Zukunft',
  '{time} is not a time': '{time} ist keine Zeit',
  // what is stored
  '{kind} {name} is used by {names}': '{name} wird benutzt von {names}',
  'there is no {kind} {name}': '{name} gibt es nicht',
  'there is no setting {name}': 'die Einstellung {name} gibt es nicht',
  'there is no token {id}': 'es gibt kein Token {id}',
  '"{name}" is no scope of a token': '„{name}“ ist kein Bereich eines Tokens',
  'there is nothing at {path}': 'in {path} ist nichts',
  'there is no destination that a kit could tell of':
    'es gibt kein Ziel, von dem ein Notfallpaket erzählen könnte',
  'add a destination first': 'zuerst ein Ziel hinzufügen',
  '{n} uploads are open already': '{n} Übertragungen sind schon offen',
  // notices
  '{name} is not set': '{name} ist nicht gesetzt',
  '{name}: {variable} is not set': '{name}: {variable} ist nicht gesetzt',
  '{name}: {path} cannot be read: {why}': '{name}: {path} lässt sich nicht lesen: {why}',
  'this is a test: notices of Holdfast arrive here':
    'das ist ein Versuch: Meldungen von Holdfast kommen hier an',
};
