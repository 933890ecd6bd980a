/** Temporary credentials of the instances' roles, as the metadata service hands them out. */
import { randomBytes } from 'node:crypto';
import type { Clock } from '@routerd/runtime';

export interface SessionCredentials {
  /** Name of the instance. */
  readonly instance: string;
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken: string;
  /** Wall clock, milliseconds. */
  readonly expiresAt: number;
}

const LIFETIME_MS = 6 * 3_600_000;
/** New ones appear that long before the old ones expire; both are valid then. */
const OVERLAP_MS = 15 * 60_000;
const BASE32 = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';

export class CredentialStore {
  readonly #clock: Clock;
  readonly #byKey = new Map<string, SessionCredentials>();
  readonly #current = new Map<string, SessionCredentials>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  of(instance: string): SessionCredentials {
    const current = this.#current.get(instance);
    if (current !== undefined && current.expiresAt - OVERLAP_MS > this.#clock.now()) return current;
    const issued: SessionCredentials = {
      instance,
      accessKeyId: `ASIA${[...randomBytes(16)].map((byte) => BASE32[byte % 32]).join('')}`,
      secretAccessKey: randomBytes(30).toString('base64'),
      sessionToken: randomBytes(240).toString('base64'),
      expiresAt: this.#clock.now() + LIFETIME_MS,
    };
    this.#current.set(instance, issued);
    this.#byKey.set(issued.accessKeyId, issued);
    return issued;
  }

  find(accessKeyId: string): SessionCredentials | undefined {
    return this.#byKey.get(accessKeyId);
  }
}
