import { area } from './area.ts';

/** Databases to choose from, found on a server or below a folder. */
export const discoverTexts = area({
  en: {
    'discover.add': 'Add the chosen: {count}',
    'discover.all': 'Choose all',
    'discover.early': 'There may be more: the search ended early. Name a smaller folder.',
    'discover.find': 'Find databases',
    'discover.folder': 'Or look in a folder',
    'discover.folderHelp': 'SQLite files below it are found by what they are, whatever their names',
    'discover.found': 'Databases found: {count}',
    'discover.none': 'No database is there.',
    'discover.server': 'Lists every database of that server, to choose from',
    'discover.stored': 'Is the source {name} already',
    'discover.unreadable': 'Could not be read: {count}, such as {path}',
  },
  de: {
    'discover.add': 'Ausgewählte hinzufügen: {count}',
    'discover.all': 'Alle auswählen',
    'discover.early': 'Es kann mehr geben: Die Suche endete vorzeitig. Einen kleineren Ordner angeben.',
    'discover.find': 'Datenbanken suchen',
    'discover.folder': 'Oder in einem Ordner suchen',
    'discover.folderHelp':
      'SQLite-Dateien darunter werden an dem erkannt, was sie sind, wie immer sie heißen',
    'discover.found': 'Gefundene Datenbanken: {count}',
    'discover.none': 'Dort ist keine Datenbank.',
    'discover.server': 'Listet alle Datenbanken dieses Servers zur Auswahl auf',
    'discover.stored': 'Ist schon die Quelle {name}',
    'discover.unreadable': 'Nicht lesbar: {count}, etwa {path}',
  },
});
