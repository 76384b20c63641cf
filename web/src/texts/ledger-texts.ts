import { area } from './area.ts';

/** The ledger and its proof. */
export const ledgerTexts = area({
  en: {
    'ledger.action': 'Action',
    'ledger.actionHelp': 'Such as backup, or key for key.rotate, too',
    'ledger.allTenants': 'All tenants',
    'ledger.bad.chain': 'Entry {seq} of “{stream}” does not follow from the one before it.',
    'ledger.bad.changed': 'Entry {seq} of “{stream}” was changed: its hash is of something else.',
    'ledger.bad.head': 'The end of “{stream}” is not the one that the server names.',
    'ledger.bad.key': 'Entry {seq} of “{stream}” is signed by a key that may not sign it.',
    'ledger.bad.missing': 'Entry {seq} of “{stream}” is missing.',
    'ledger.bad.next':
      'What to do: keep the server as it is, and run holdfast ledger verify against a dump and the anchors at your destinations.',
    'ledger.bad.rewritten':
      'Entry {seq} of “{stream}” is not the one that this browser saw: the ledger was written anew or cut.',
    'ledger.bad.signature': 'Entry {seq} of “{stream}” has a signature that is wrong.',
    'ledger.check': 'Check every entry',
    'ledger.checked': 'Every one of {count} entries is proven: hash, link and signature.',
    'ledger.checkText':
      'This browser fetches every entry and computes hashes, links and signatures itself. It keeps the ends in mind and compares them the next time.',
    'ledger.checking': '{done} of {total} entries',
    'ledger.dumpText':
      'For a proof that does not rest on this server, dump the ledger and check it elsewhere, against the anchors at the destinations:',
    'ledger.empty': 'There are no such entries.',
    'ledger.end': 'entry {seq}',
    'ledger.entryTitle': 'Entry {seq}',
    'ledger.entryText': 'As it is signed.',
    'ledger.firstSeen': 'This browser sees this ledger for the first time: note its end, or let it remember.',
    'ledger.heads': 'Where it ends',
    'ledger.id': 'Ledger',
    'ledger.insecure':
      'Browsers compute this only over HTTPS or on the server itself: open the page that way, or use the command line.',
    'ledger.keyFrom': 'Signs since entry',
    'ledger.keyHost': 'Machine',
    'ledger.keyUntil': 'Retired by entry',
    'ledger.keys': 'Signing keys',
    'ledger.notBegun': 'Nothing was recorded yet.',
    'ledger.seenBefore': 'It agrees with what this browser saw {when}.',
    'ledger.show': 'Show entry {seq}',
    'ledger.stream': 'Stream',
    'ledger.stream.audit_vault': 'What was done',
    'ledger.stream.org_admin_reads': 'What was read of backups',
    'ledger.text':
      'Everything done and everything read of backups, as one chain of signed entries that only grows.',
  },
  de: {
    'ledger.action': 'Handlung',
    'ledger.actionHelp': 'Etwa backup; key findet auch key.rotate',
    'ledger.allTenants': 'Alle Mandanten',
    'ledger.bad.chain': 'Eintrag {seq} von „{stream}“ folgt nicht aus dem davor.',
    'ledger.bad.changed': 'Eintrag {seq} von „{stream}“ wurde geändert: Sein Hash gehört zu etwas anderem.',
    'ledger.bad.head': 'Das Ende von „{stream}“ ist nicht das, was der Server nennt.',
    'ledger.bad.key': 'Eintrag {seq} von „{stream}“ ist mit einem Schlüssel signiert, der das nicht darf.',
    'ledger.bad.missing': 'Eintrag {seq} von „{stream}“ fehlt.',
    'ledger.bad.next':
      'Was zu tun ist: den Server lassen, wie er ist, und einen Auszug mit holdfast ledger verify gegen die Anker an den Zielen prüfen.',
    'ledger.bad.rewritten':
      'Eintrag {seq} von „{stream}“ ist nicht der, den dieser Browser sah: Das Register wurde neu geschrieben oder gekürzt.',
    'ledger.bad.signature': 'Die Signatur von Eintrag {seq} von „{stream}“ ist falsch.',
    'ledger.check': 'Jeden Eintrag prüfen',
    'ledger.checked': 'Alle {count} Einträge sind bewiesen: Hash, Verkettung und Signatur.',
    'ledger.checkText':
      'Dieser Browser holt jeden Eintrag und rechnet Hashes, Verkettung und Signaturen selbst nach. Die Enden merkt er sich und vergleicht sie beim nächsten Mal.',
    'ledger.checking': '{done} von {total} Einträgen',
    'ledger.dumpText':
      'Für einen Beweis, der nicht auf diesem Server beruht: einen Auszug anderswo gegen die Anker an den Zielen prüfen:',
    'ledger.empty': 'Solche Einträge gibt es nicht.',
    'ledger.end': 'Eintrag {seq}',
    'ledger.entryTitle': 'Eintrag {seq}',
    'ledger.entryText': 'So, wie er signiert ist.',
    'ledger.firstSeen':
      'Dieser Browser sieht dieses Register zum ersten Mal: Das Ende lässt sich notieren; gemerkt ist es auch.',
    'ledger.heads': 'Wo es endet',
    'ledger.id': 'Register',
    'ledger.insecure':
      'Browser rechnen das nur über HTTPS oder auf dem Server selbst: die Seite so öffnen, oder die Kommandozeile nehmen.',
    'ledger.keyFrom': 'Signiert ab Eintrag',
    'ledger.keyHost': 'Rechner',
    'ledger.keyUntil': 'Außer Dienst durch Eintrag',
    'ledger.keys': 'Signaturschlüssel',
    'ledger.notBegun': 'Noch wurde nichts verzeichnet.',
    'ledger.seenBefore': 'Es stimmt mit dem überein, was dieser Browser {when} sah.',
    'ledger.show': 'Eintrag {seq} zeigen',
    'ledger.stream': 'Strom',
    'ledger.stream.audit_vault': 'Was getan wurde',
    'ledger.stream.org_admin_reads': 'Was aus Sicherungen gelesen wurde',
    'ledger.text':
      'Alles Getane und alles aus Sicherungen Gelesene, als eine Kette signierter Einträge, die nur wächst.',
  },
});
