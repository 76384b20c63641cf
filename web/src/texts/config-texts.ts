import { area } from './area.ts';

/** Configuration as a file. */
export const configTexts = area({
  en: {
    'nav.configuration': 'Configuration file',
    'config.adopt': 'equal; belongs to the file from now on',
    'config.apply': 'Apply the file',
    'config.applied': 'Applied.',
    'config.applyText':
      '{count} changes become what the server works with, all of them or none. Deleting something stored keeps its backups.',
    'config.archive': 'is archived; its backups stay',
    'config.changes': 'What would change',
    'config.choose': 'Open a file',
    'config.compare': 'Compare',
    'config.compareText':
      'What the file says, against what the server works with. Comparing changes nothing.',
    'config.conflict': 'Changed elsewhere by {who} since the file was last applied',
    'config.create': 'is added',
    'config.delete': 'is deleted',
    'config.done': 'What was changed',
    'config.download': 'Download what is stored',
    'config.equal': 'The server works with just this.',
    'config.file': 'holdfast.yaml',
    'config.keep': 'only here; stays',
    'config.place': 'line {line}, column {column}',
    'config.load': 'Begin with what is stored',
    'config.object': 'What',
    'config.openConflicts':
      'Changes made elsewhere are never overwritten unseen: take them over into the file, or say of each that it may go.',
    'config.overwrite': 'Overwrite {name}',
    'config.replace': 'changes',
    'config.absent': 'absent',
    'config.text':
      'Plans, sources, destinations, channels, settings and tenants as one text, to keep in version control. Secrets stand in it by the name of a variable or file only.',
  },
  de: {
    'nav.configuration': 'Konfigurationsdatei',
    'config.adopt': 'gleich; gehört von nun an zur Datei',
    'config.apply': 'Datei anwenden',
    'config.applied': 'Angewendet.',
    'config.applyText':
      '{count} Änderungen werden zu dem, womit der Server arbeitet, alle oder keine. Was gelöscht wird, behält seine Sicherungen.',
    'config.archive': 'wird archiviert; die Sicherungen bleiben',
    'config.changes': 'Was sich ändern würde',
    'config.choose': 'Datei öffnen',
    'config.compare': 'Vergleichen',
    'config.compareText':
      'Was die Datei sagt, neben dem, womit der Server arbeitet. Vergleichen ändert nichts.',
    'config.conflict': 'Anderswo geändert von {who}, seit die Datei zuletzt angewendet wurde',
    'config.create': 'kommt hinzu',
    'config.delete': 'wird gelöscht',
    'config.done': 'Was geändert wurde',
    'config.download': 'Gespeichertes herunterladen',
    'config.equal': 'Genau damit arbeitet der Server.',
    'config.file': 'holdfast.yaml',
    'config.keep': 'nur hier; bleibt',
    'config.place': 'Zeile {line}, Spalte {column}',
    'config.load': 'Mit dem Gespeicherten beginnen',
    'config.object': 'Was',
    'config.openConflicts':
      'Was anderswo geändert wurde, wird nie ungesehen überschrieben: Übernehmen Sie es in die Datei, oder sagen Sie bei jedem, dass es weichen darf.',
    'config.overwrite': '{name} überschreiben',
    'config.replace': 'ändert sich',
    'config.absent': 'fehlt',
    'config.text':
      'Pläne, Quellen, Ziele, Kanäle, Einstellungen und Mandanten als ein Text, für die Versionsverwaltung. Geheimnisse stehen darin nur mit dem Namen einer Variablen oder Datei.',
  },
});
