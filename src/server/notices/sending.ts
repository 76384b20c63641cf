import type { Outbound } from '../outbound/index.ts';
import type { Channel } from './channel-rules.ts';
import type { Notice } from './notice.ts';
import type { SecretPlace } from './read-secret.ts';

export interface SendParts {
  readonly secrets: SecretPlace;
  readonly outbound: Outbound;
  /** An authority of one's own for webhooks and pings, PEM. */
  readonly ca?: string;
  /** How people find this server; null when nobody said. */
  readonly publicUrl: string | null;
}

/** One delivery of a notice to a channel. */
export interface Sending {
  /** The same for every attempt. */
  readonly deliveryId: string;
  readonly notice: Notice;
  readonly channel: Channel;
  readonly nowMs: number;
}

export interface SendResult {
  /** What the receiver said, such as `200`; null for a failure without an answer. */
  readonly answer: string | null;
  /** Null when it arrived. No secret is in it. */
  readonly error: string | null;
  /** Trying again has no sense: the receiver said that it is gone. */
  readonly isFinal: boolean;
  /** When the receiver wants to be asked again; null when it did not say. */
  readonly retryAfterSeconds: number | null;
}
