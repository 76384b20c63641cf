/** Every error there is. `docs/errors.md` lists the same table, and a test keeps the two equal. */
import type { ExitName } from './exit-codes.ts';

interface ErrorEntry {
  /** What happened and why, without the particulars. */
  readonly what: string;
  /** What the reader does next. */
  readonly next: string;
  /** True when the same call may succeed later with nothing changed. */
  readonly retryable: boolean;
  readonly exit: ExitName;
}

const entry = (what: string, next: string, exit: ExitName, retryable = false): ErrorEntry => ({
  what,
  next,
  exit,
  retryable,
});

export const ERRORS = {
  // usage
  usage: entry('the command was not understood', 'see holdfast --help', 'usage'),
  config_invalid: entry('the configuration is not valid', 'correct the named field', 'usage'),
  config_missing: entry(
    'no configuration file was found',
    'name one with HOLDFAST_CONFIG or --config',
    'usage',
  ),
  not_confirmed: entry(
    'this replaces data and was not confirmed',
    'add --confirm-restore once you are sure',
    'unconfirmed',
  ),
  id_unknown: entry('no backup has this id', 'see holdfast list', 'usage'),
  id_ambiguous: entry('more than one backup begins with this id', 'give more characters of it', 'usage'),
  item_unknown: entry('the backup holds no such item', 'see holdfast show', 'usage'),
  // storage
  storage_unreachable: entry(
    'the destination does not answer',
    'check its address and the network, then run again',
    'unreachable',
    true,
  ),
  storage_denied: entry('the destination refused access', 'check owner and permissions', 'unreachable'),
  storage_full: entry(
    'the destination is out of space',
    'free space or prune, then run again',
    'failed',
    true,
  ),
  storage_io: entry(
    'the destination failed to read or write',
    'check the disk, then run again',
    'failed',
    true,
  ),
  host_key_unknown: entry(
    'the server is not known, and nothing says that it is the right one',
    'compare its fingerprint with the server, then accept it',
    'unreachable',
  ),
  host_key_changed: entry(
    'the server shows another key than the one accepted before',
    'do not go on before you know why: it may be another machine',
    'unreachable',
  ),
  bucket_missing: entry(
    'the destination has no bucket of this name',
    'create it, or correct name, region and endpoint in the address',
    'unreachable',
  ),
  object_missing: entry('an object is missing from the destination', 'run holdfast verify', 'damaged'),
  object_exists: entry('an object of this name is already there', 'nothing was overwritten', 'failed'),
  storage_name_invalid: entry(
    'this is not a valid object name',
    'report it, this should not happen',
    'failed',
  ),
  // repository
  repository_missing: entry(
    'there is no repository here',
    'run holdfast init, or check the address',
    'usage',
  ),
  repository_exists: entry(
    'there is a repository here already',
    'use it, or choose another address',
    'usage',
  ),
  repository_newer: entry(
    'the repository was written by a newer version',
    'update Holdfast on this machine',
    'failed',
  ),
  object_damaged: entry('an object does not decode: it was changed or cut', 'run holdfast verify', 'damaged'),
  chunk_missing: entry(
    'a chunk is in no readable pack',
    'run holdfast verify to see what it affects',
    'damaged',
  ),
  manifest_forged: entry(
    'a manifest is not signed by a known signer',
    'do not restore it; see docs/operations.md',
    'damaged',
  ),
  backup_conflict: entry(
    'a backup of this id is known with other content',
    'do not restore it; see docs/operations.md',
    'damaged',
  ),
  rolled_back: entry(
    'the repository is older than what was seen before',
    'see docs/operations.md, rollback',
    'damaged',
  ),
  lease_held: entry(
    'other maintenance is at work',
    'wait until it ends or its lease expires',
    'failed',
    true,
  ),
  lease_lost: entry('the maintenance lease was lost', 'run it again', 'failed', true),
  clock_skew: entry('clocks differ by more than 5 minutes', 'set the clocks, then run again', 'failed', true),
  run_too_long: entry(
    'the run took longer than prune may wait',
    'run again: what is stored is kept',
    'failed',
    true,
  ),
  retention_paused: entry(
    'the newest backup is unlike those before, so nothing of its plan is removed',
    'look at it; if it is right, run holdfast rotate --accept-changes',
    'failed',
  ),
  hold_active: entry('the backup is on hold', 'release the hold first', 'failed'),
  // keys
  key_wrong: entry('no key given opens this', 'give the key with the named key id', 'key'),
  key_missing: entry('no key was given', 'set BACKUP_ENCRYPTION_KEY or BACKUP_ENCRYPTION_KEY_FILE', 'key'),
  key_malformed: entry('the key text is damaged', 'compare it with the printed copy', 'key'),
  kms_unreachable: entry(
    'the key management service does not answer',
    'check its address and the network, or open the repository with another of its keys',
    'key',
    true,
  ),
  kms_refused: entry(
    'the key management service refused',
    'check the login and its permissions, or open the repository with another of its keys',
    'key',
  ),
  key_last: entry('this is the last key that opens the repository', 'add another first', 'usage'),
  // bundles
  bundle_malformed: entry('this is not a bundle, or it was cut or changed', 'fetch another copy', 'damaged'),
  bundle_newer: entry(
    'the bundle was written by a newer version',
    'update Holdfast on this machine',
    'failed',
  ),
  bundle_not_encrypted: entry(
    'the bundle is not encrypted, so anyone may have made it',
    'where it was made so on purpose, add --encryption none',
    'damaged',
  ),
  limit_exceeded: entry(
    'the content exceeds what it declared or what is allowed',
    'do not trust this file',
    'damaged',
  ),
  path_unsafe: entry('a name in the content points outside the target', 'do not trust this file', 'damaged'),
  // sources
  source_missing: entry('the source does not exist', 'check its path or address', 'failed'),
  source_denied: entry(
    'the source cannot be read with these permissions',
    'run as its owner or grant read access',
    'failed',
  ),
  source_busy: entry('the source stayed locked', 'stop the writer or raise the waiting time', 'failed', true),
  source_damaged: entry(
    'the source failed its own integrity check',
    'repair it before relying on backups',
    'failed',
  ),
  source_incomplete: entry('some entries could not be read', 'see the list, then run again', 'incomplete'),
  source_failed: entry('the source ended with an error', 'see its message', 'failed', true),
  database_unreachable: entry(
    'the database server does not answer',
    'check address and server',
    'unreachable',
    true,
  ),
  database_auth: entry('the database refused the login', 'check user and password', 'unreachable'),
  database_failed: entry('the database reported an error', 'see its message', 'failed'),
  tool_missing: entry('a client tool is not installed', 'install the named package', 'failed'),
  command_failed: entry('the command ended with an error', 'see its message', 'failed'),
  // restore
  target_not_empty: entry(
    'the target is not empty',
    'choose an empty one, or confirm replacing it',
    'unconfirmed',
  ),
  target_failed: entry('the target could not be written', 'check space and permissions', 'failed', true),
  target_busy: entry('the target is in use', 'stop what uses it', 'failed', true),
  restore_mismatch: entry(
    'the restored data differs from the backup',
    'do not use the target; run verify',
    'damaged',
  ),
  // runs
  verify_failed: entry('stored bytes are not good', 'see the list of what is affected', 'damaged'),
  space_low: entry(
    'free space is below the minimum',
    'free space, or lower minimumFreeBytes of the destination (or HOLDFAST_MINIMUM_FREE_BYTES)',
    'skipped',
  ),
  // service
  catalog_unreachable: entry(
    'the catalog cannot be opened',
    'check HOLDFAST_DATABASE_URL, or the data folder and its permissions',
    'unreachable',
    true,
  ),
  catalog_newer: entry(
    'the catalog was changed by a newer version',
    'update Holdfast on this machine',
    'failed',
  ),
  catalog_failed: entry('the catalog reported an error', 'see its message', 'failed'),
  job_unknown: entry('no job has this id', 'see the list of jobs', 'usage'),
  plan_unknown: entry('there is no plan of this name', 'see the list of plans', 'usage'),
  document_unknown: entry('there is no such plan, source or destination', 'see their list', 'usage'),
  document_changed: entry(
    'somebody else changed this meanwhile',
    'look at it again, then repeat the change',
    'failed',
  ),
  name_taken: entry('this name is in use', 'choose another', 'usage'),
  in_use: entry('a plan uses this', 'change the plan first', 'usage'),
  schedule_invalid: entry(
    'the schedule is not valid',
    'write a cron expression such as 0 3 * * 1 and an IANA time zone such as Europe/Berlin',
    'usage',
  ),
  worker_lost: entry(
    'the worker ended while the job ran',
    'see the log of the worker; the next run goes on from what is stored',
    'interrupted',
    true,
  ),
  // access and HTTP
  not_authenticated: entry('nobody is logged in', 'log in, or send an API token', 'usage'),
  not_permitted: entry('this is not permitted', 'ask somebody with the role for it', 'usage'),
  login_failed: entry(
    'user, password or code is not right',
    'try again; see docs/operations.md, locked out',
    'usage',
  ),
  sign_on_refused: entry(
    'the identity provider vouches for nobody who may be here',
    'ask an administrator; the log of the server says why',
    'usage',
  ),
  sign_on_failed: entry(
    'the identity provider cannot be used',
    'check its settings and the network, or log in with a password',
    'unreachable',
    true,
  ),
  second_factor_needed: entry('a code of the second factor is needed', 'send it as code', 'usage'),
  proof_needed: entry(
    'this needs the password once more',
    'send it to /api/v1/session/prove, then repeat the request',
    'usage',
  ),
  too_many_attempts: entry('there were too many attempts', 'wait, then try again', 'failed', true),
  password_weak: entry('the password is easy to guess', 'choose a longer one', 'usage'),
  setup_needed: entry(
    'nobody owns this server yet',
    'claim it with the setup token that it printed when it started',
    'usage',
  ),
  setup_closed: entry('this server has an owner: setup is closed', 'log in', 'usage'),
  setup_token_wrong: entry(
    'the setup token is not right',
    'take the one that the server printed when it last started',
    'usage',
  ),
  request_foreign: entry(
    'the request comes from another site, or names another host',
    'use the address of the server, or allow the host in HOLDFAST_ALLOWED_HOSTS',
    'usage',
  ),
  request_invalid: entry('the request is not valid', 'correct the named field', 'usage'),
  content_type_refused: entry(
    'content of this type is not taken here',
    'send the type that is named',
    'usage',
  ),
  request_too_large: entry('the request is too large', 'send less, or raise the limit', 'usage'),
  upload_incomplete: entry('the upload ended early', 'send it again', 'usage', true),
  upload_conflict: entry(
    'the upload is not where this goes on',
    'ask with HEAD how far it is, and go on from there',
    'usage',
    true,
  ),
  route_unknown: entry('there is nothing at this address', 'see /api/docs', 'usage'),
  user_unknown: entry('there is no such user', 'see the list of users', 'usage'),
  token_unknown: entry('there is no such token', 'see the list of tokens', 'usage'),
  tenant_unknown: entry('there is no such tenant', 'see the list of tenants', 'usage'),
  address_refused: entry(
    'connections to this address are not allowed',
    'use another, or allow it in HOLDFAST_ALLOWED_ADDRESSES',
    'usage',
  ),
  // notices and hooks
  host_unresolved: entry(
    'a host name cannot be resolved',
    'check the name and the DNS server',
    'unreachable',
    true,
  ),
  notice_failed: entry('a notice could not be delivered', 'see its history', 'failed', true),
  secret_missing: entry(
    'a secret that the configuration refers to is not there',
    'set the named variable, or make the named file readable',
    'usage',
  ),
  hook_failed: entry('a hook ended with an error', 'see its message', 'failed'),
  // ledger
  ledger_missing: entry(
    'there is no ledger here',
    'it begins with the first backup, or check HOLDFAST_HOME and HOLDFAST_DATABASE_URL',
    'usage',
  ),
  ledger_key_missing: entry(
    'this machine has no key that may sign for the ledger',
    'put the key files back, or see docs/ledger.md, several machines',
    'key',
  ),
  ledger_not_written: entry(
    'this could not be recorded in the ledger, so it was not done',
    'mend what the message names, then try again',
    'failed',
    true,
  ),
  ledger_damaged: entry(
    'the ledger does not prove itself',
    'keep it as it is, and see docs/ledger.md',
    'damaged',
  ),
  // drills
  drill_impossible: entry(
    'the drill cannot run here',
    'see its message; a drill that cannot run is a failed one',
    'failed',
  ),
  drill_failed: entry(
    'a restore drill is red',
    'look at its checks: what is red there would be wrong after a recovery, too',
    'failed',
  ),
  evidence_invalid: entry(
    'the evidence is not what was signed, or not signed by whom it should be',
    'do not rely on it; fetch the document again',
    'damaged',
  ),
  // copies
  copy_missing: entry(
    'a copy of a backup is missing',
    'mend the destination, then run holdfast replicate',
    'copyMissing',
    true,
  ),
  region_refused: entry(
    'data of this plan may not lie there',
    'choose a destination in one of the regions of the plan',
    'usage',
  ),
  interrupted: entry('the run was interrupted', 'run again: what is stored is kept', 'interrupted', true),
  internal: entry('something unforeseen happened', 'report it with the details', 'failed'),
} as const satisfies Record<string, ErrorEntry>;

export type ErrorCode = keyof typeof ERRORS;
