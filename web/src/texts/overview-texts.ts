import { area } from './area.ts';

/** Figures of the overview, and of the list of backups. */
export const overviewTexts = area({
  en: {
    'backups.copiesOf': '{there} of {wanted}',
    'backups.key': 'Key id',
    'backups.stored': '{size} new',
    'triggers.stopNamed': 'Cancel the run of {plan}',
    'overview.lastDrillsOf': 'Last drills of {plan}',
    'overview.nextDrill': 'drill',
    'overview.recovery': 'How long a recovery takes, and how old the data is',
    'overview.recoveryOf': '{plan}: {what}',
    'storage.backups': 'Backups',
    'storage.full': 'Each in full',
    'storage.measured': 'Measured',
    'storage.saved': 'Saved',
    'storage.savedText': '{share} %, {bytes}',
    'storage.text':
      'Saved by deduplication and compression: what the backups would be, each by itself, less what lies there.',
    'storage.title': 'Storage',
    'storage.used': 'Used',
  },
  de: {
    'backups.copiesOf': '{there} von {wanted}',
    'backups.key': 'Schlüssel',
    'backups.stored': '{size} neu',
    'triggers.stopNamed': 'Lauf von {plan} abbrechen',
    'overview.lastDrillsOf': 'Letzte Proben von {plan}',
    'overview.nextDrill': 'Probe',
    'overview.recovery': 'Wie lange eine Wiederherstellung dauert und wie alt die Daten sind',
    'overview.recoveryOf': '{plan}: {what}',
    'storage.backups': 'Sicherungen',
    'storage.full': 'Jede für sich',
    'storage.measured': 'Gemessen',
    'storage.saved': 'Gespart',
    'storage.savedText': '{share} %, {bytes}',
    'storage.text':
      'Durch Deduplizierung und Kompression gespart: was die Sicherungen je für sich wären, weniger dem, was da liegt.',
    'storage.title': 'Speicher',
    'storage.used': 'Belegt',
  },
});
