import { area } from './area.ts';

/** Encryption keys. */
export const keyTexts = area({
  en: {
    'key.generate': 'Generate a key',
    'key.once': 'Key id {id}. It is shown only now and kept nowhere: without it, nobody opens the backups.',
    'key.text':
      'A strong random key for a new destination. Give it to the server as BACKUP_ENCRYPTION_KEY, and keep another copy elsewhere.',
    'key.title': 'Encryption key',
    'keys.destinations': 'Keys in use',
    'keys.destinationsText':
      'The id tells keys apart and gives nothing away. Every key, old ones too, is listed by holdfast key list, which reads the repository itself.',
    'keys.done': 'I have kept it',
    'keys.elsewhere': 'On the command line',
    'keys.elsewhereText':
      'What changes the keys of a repository needs the keys themselves, which the server does not hand out:',
    'keys.empty': 'No destination is used by a plan yet.',
    'keys.id': 'Key id',
    'keys.kit': 'A recovery kit: readers and instructions for a day when this server is gone',
    'keys.list': 'Every key and every epoch of a repository',
    'keys.missing': 'The server finds no key for this destination.',
    'keys.noId': 'a passphrase, which has no id',
    'keys.rotate': 'A new epoch: what is written from now on opens only with the keys that are left',
    'keys.text': 'Without its key, nobody opens a backup, not even its owner.',
  },
  de: {
    'key.generate': 'Schlüssel erzeugen',
    'key.once':
      'Schlüssel-ID {id}. Er ist nur jetzt zu sehen und wird nirgends aufbewahrt: Ohne ihn öffnet niemand die Sicherungen.',
    'key.text':
      'Ein starker Zufallsschlüssel für ein neues Ziel. Der Server bekommt ihn als BACKUP_ENCRYPTION_KEY; eine zweite Kopie gehört an einen anderen Ort.',
    'key.title': 'Schlüssel',
    'keys.destinations': 'Benutzte Schlüssel',
    'keys.destinationsText':
      'Die Kennung unterscheidet Schlüssel und verrät nichts. Alle, auch alte, zeigt holdfast key list, das im Repositorium selbst nachsieht.',
    'keys.done': 'Er ist aufbewahrt',
    'keys.elsewhere': 'Auf der Kommandozeile',
    'keys.elsewhereText':
      'Was die Schlüssel eines Repositoriums ändert, braucht die Schlüssel selbst, und die gibt der Server nicht heraus:',
    'keys.empty': 'Noch benutzt kein Plan ein Ziel.',
    'keys.id': 'Kennung',
    'keys.kit': 'Ein Notfallkoffer: Leseprogramme und Anleitung für den Tag, an dem dieser Server fehlt',
    'keys.list': 'Alle Schlüssel und Epochen eines Repositoriums',
    'keys.missing': 'Der Server findet für dieses Ziel keinen Schlüssel.',
    'keys.noId': 'eine Passphrase, die keine Kennung hat',
    'keys.rotate':
      'Eine neue Epoche: Was ab jetzt geschrieben wird, öffnen nur noch die verbliebenen Schlüssel',
    'keys.text': 'Ohne den Schlüssel öffnet niemand eine Sicherung, auch nicht, wem sie gehört.',
  },
});
