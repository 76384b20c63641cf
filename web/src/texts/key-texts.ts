import { area } from './area.ts';

/** Encryption keys, and the recovery kit. */
export const keyTexts = area({
  en: {
    'key.generate': 'Generate a key',
    'key.once': 'Key id {id}. It is shown only now and kept nowhere: without it, nobody opens the backups.',
    'key.text':
      'A strong random key for a new destination. Give it to the server as BACKUP_ENCRYPTION_KEY, and keep another copy elsewhere.',
    'key.title': 'Encryption key',
    'keys.done': 'I have kept it',
    'keys.elsewhere': 'On the command line',
    'keys.elsewhereText':
      'A rotation needs the new key where the server finds it, and that is not a matter of this page:',
    'keys.empty': 'No key opens it.',
    'keys.id': 'Key id',
    'keys.reencrypt': 'Everything that older keys sealed, written anew under the current one',
    'keys.rotate': 'A new epoch: what is written from now on opens only with the keys that are left',
    'keys.text': 'Without its key, nobody opens a backup, not even its owner.',
    'keys.unencrypted': 'Not encrypted',
    'keys.unencryptedWhy': 'Not encrypted: whoever can read a destination that holds it can read all of it',
    'kit.done': 'The kit was handed to your downloads. Take it away from this machine.',
    'kit.download': 'Download the recovery kit',
    'kit.first': 'The recovery kit comes first',
    'kit.firstText':
      'There is a destination now. Before anything else, take what opens its backups when this server is gone: instructions with the real addresses and commands, the configuration, and two programs that read backups without Holdfast. Keep it away from this machine, and the key apart from it.',
    'kit.kept': 'I have it',
    'kit.last': 'The last one was made',
    'kit.none': 'No recovery kit was made on this server yet.',
    'kit.old': 'The last recovery kit does not tell of every key that is here now: make a new one.',
    'kit.passphrase': 'Passphrase of the kit',
    'kit.passphraseHelp': 'At least 12 characters; keep it apart from the kit',
    'kit.text':
      'Readers, instructions with the real addresses, and the configuration, for a day when this server is gone.',
    'kit.title': 'Recovery kit',
    'kit.withKey': 'With the key',
    'kit.withKeyHelp': 'Wrapped under a passphrase: kit and passphrase together open every backup',
    'slots.add': 'Add a key',
    'slots.addNamed': 'Add a key: {destination}',
    'slots.addText':
      'It opens everything that is there and everything to come, as the keys do that are there already.',
    'slots.changed': 'changed since it was written',
    'slots.everything': 'everything',
    'slots.inUse': 'used by the server',
    'slots.key': 'Key or passphrase',
    'slots.keyHelp': 'A generated key, or a passphrase of at least 12 characters',
    'slots.kms': 'in a service',
    'slots.label': 'Label',
    'slots.labelHelp': 'Where the key is kept, for people',
    'slots.opens': 'Opens',
    'slots.passphrase': 'passphrase',
    'slots.raw': 'key',
    'slots.retire': 'Retire',
    'slots.retireNamed': 'Retire key {key}',
    'slots.retireText':
      'The key no longer opens the backups in {destination}. Who has it and an old copy of the repository can still read that copy.',
    'slots.title': 'Keys of {destination}',
    'slots.upTo': 'up to epoch {epoch}',
  },
  de: {
    'key.generate': 'Schlüssel erzeugen',
    'key.once':
      'Schlüssel-ID {id}. Er ist nur jetzt zu sehen und wird nirgends aufbewahrt: Ohne ihn öffnet niemand die Sicherungen.',
    'key.text':
      'Ein starker Zufallsschlüssel für ein neues Ziel. Der Server bekommt ihn als BACKUP_ENCRYPTION_KEY; eine zweite Kopie gehört an einen anderen Ort.',
    'key.title': 'Schlüssel',
    'keys.done': 'Er ist aufbewahrt',
    'keys.elsewhere': 'Auf der Kommandozeile',
    'keys.elsewhereText':
      'Ein Schlüsselwechsel braucht den neuen Schlüssel dort, wo der Server ihn findet, und das ist nicht Sache dieser Seite:',
    'keys.empty': 'Kein Schlüssel öffnet es.',
    'keys.id': 'Kennung',
    'keys.reencrypt': 'Alles, was ältere Schlüssel versiegelt haben, neu unter dem jetzigen geschrieben',
    'keys.rotate':
      'Eine neue Epoche: Was ab jetzt geschrieben wird, öffnen nur noch die verbliebenen Schlüssel',
    'keys.text': 'Ohne den Schlüssel öffnet niemand eine Sicherung, auch nicht, wem sie gehört.',
    'keys.unencrypted': 'Nicht verschlüsselt',
    'keys.unencryptedWhy':
      'Nicht verschlüsselt: Wer ein Ziel lesen kann, an dem sie liegt, kann sie ganz lesen',
    'kit.done': 'Der Notfallkoffer liegt bei Ihren Downloads. Bringen Sie ihn weg von dieser Maschine.',
    'kit.download': 'Notfallkoffer herunterladen',
    'kit.first': 'Zuerst der Notfallkoffer',
    'kit.firstText':
      'Es gibt jetzt ein Ziel. Nehmen Sie vor allem anderen mit, was dessen Sicherungen öffnet, wenn dieser Server fehlt: eine Anleitung mit den wirklichen Adressen und Befehlen, die Konfiguration und zwei Programme, die Sicherungen ohne Holdfast lesen. Er gehört weg von dieser Maschine, und der Schlüssel getrennt davon.',
    'kit.kept': 'Ich habe ihn',
    'kit.last': 'Der letzte entstand',
    'kit.none': 'Auf diesem Server entstand noch kein Notfallkoffer.',
    'kit.old':
      'Der letzte Notfallkoffer kennt nicht alle Schlüssel, die es jetzt gibt: Machen Sie einen neuen.',
    'kit.passphrase': 'Passphrase des Koffers',
    'kit.passphraseHelp': 'Mindestens 12 Zeichen; bewahren Sie sie getrennt vom Koffer auf',
    'kit.text':
      'Leseprogramme, eine Anleitung mit den wirklichen Adressen und die Konfiguration, für den Tag, an dem dieser Server fehlt.',
    'kit.title': 'Notfallkoffer',
    'kit.withKey': 'Mit dem Schlüssel',
    'kit.withKeyHelp':
      'Unter einer Passphrase verschlossen: Koffer und Passphrase zusammen öffnen jede Sicherung',
    'slots.add': 'Schlüssel hinzufügen',
    'slots.addNamed': 'Schlüssel hinzufügen: {destination}',
    'slots.addText': 'Er öffnet alles, was da ist, und alles Künftige, wie die Schlüssel, die es schon gibt.',
    'slots.changed': 'seit dem Schreiben verändert',
    'slots.everything': 'alles',
    'slots.inUse': 'vom Server benutzt',
    'slots.key': 'Schlüssel oder Passphrase',
    'slots.keyHelp': 'Ein erzeugter Schlüssel oder eine Passphrase von mindestens 12 Zeichen',
    'slots.kms': 'in einem Dienst',
    'slots.label': 'Bezeichnung',
    'slots.labelHelp': 'Wo der Schlüssel liegt, für Menschen',
    'slots.opens': 'Öffnet',
    'slots.passphrase': 'Passphrase',
    'slots.raw': 'Schlüssel',
    'slots.retire': 'Ausmustern',
    'slots.retireNamed': 'Schlüssel {key} ausmustern',
    'slots.retireText':
      'Der Schlüssel öffnet die Sicherungen in {destination} nicht mehr. Wer ihn und eine alte Kopie des Repositoriums hat, kann diese Kopie weiterhin lesen.',
    'slots.title': 'Schlüssel von {destination}',
    'slots.upTo': 'bis Epoche {epoch}',
  },
});
