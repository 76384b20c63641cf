import { area } from './area.ts';

/** Databases of a plan with an hour of their own. */
export const planTexts = area({
  en: {
    'planDatabase.enabled': 'Is backed up',
    'planDatabase.hour': 'Hour (UTC)',
    'planDatabase.own': 'At an hour of its own',
    'planDatabase.retention': 'Kept for days',
    'planDatabase.retentionInherited': 'as the plan',
    'planDatabase.text':
      'One with an hour of its own gets a backup of its own every day, and the run of the plan leaves it out.',
  },
  de: {
    'planDatabase.enabled': 'Wird gesichert',
    'planDatabase.hour': 'Stunde (UTC)',
    'planDatabase.own': 'Zu einer eigenen Stunde',
    'planDatabase.retention': 'Tage aufbewahrt',
    'planDatabase.retentionInherited': 'wie der Plan',
    'planDatabase.text':
      'Eine mit eigener Stunde bekommt jeden Tag eine Sicherung für sich, und der Lauf des Plans lässt sie aus.',
  },
});
