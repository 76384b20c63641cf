import { area } from './area.ts';

/** A bundle that is sent from this computer to be restored. */
export const bundleTexts = area({
  en: {
    'bundle.title': 'A bundle on this computer',
    'bundle.text':
      'It is sent in pieces, checked, and becomes a backup like any other. A line that breaks costs nothing that arrived.',
    'bundle.into': 'Into',
    'bundle.intoHelp': 'A deduplicated repository',
    'bundle.key': 'Its key, if it is another than that of the destination',
    'bundle.send': 'Send and check it',
    'bundle.goOn': 'Go on',
    'bundle.waiting': 'The server does not answer. It goes on by itself from {done}.',
    'bundle.checking': 'It is being checked and taken in.',
  },
  de: {
    'bundle.title': 'Ein Bündel auf diesem Rechner',
    'bundle.text':
      'Es wird in Stücken gesendet, geprüft und zu einer Sicherung wie jede andere. Bricht die Leitung, bleibt erhalten, was ankam.',
    'bundle.into': 'Nach',
    'bundle.intoHelp': 'Ein dedupliziertes Repository',
    'bundle.key': 'Sein Schlüssel, wenn er ein anderer ist als der des Ziels',
    'bundle.send': 'Senden und prüfen',
    'bundle.goOn': 'Weitermachen',
    'bundle.waiting': 'Der Server antwortet nicht. Von selbst geht es weiter ab {done}.',
    'bundle.checking': 'Es wird geprüft und übernommen.',
  },
});
