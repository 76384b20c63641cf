import type { Socket } from 'node:net';

/** How to log in to a server and how to recognise it. Whatever is given is tried: key, agent, then password. */
export interface SftpSettings {
  readonly password?: string | undefined;
  /** A private key in OpenSSH, PEM or PPK form. */
  readonly privateKey?: string | undefined;
  /** Opens `privateKey` when that is encrypted. */
  readonly passphrase?: string | undefined;
  /** Path of the socket of a running ssh-agent. */
  readonly agentSocket?: string | undefined;
  /** Fingerprints as `ssh-keygen -lf` shows them: `SHA256:…`. Any one of them will do. */
  readonly hostKeys?: readonly string[] | undefined;
  /** The text of a `known_hosts` file of OpenSSH. */
  readonly knownHosts?: string | undefined;
  /** Connects in place of Node, such as only to addresses that are allowed. */
  readonly dial?: ((host: string, port: number) => Socket) | undefined;
}
