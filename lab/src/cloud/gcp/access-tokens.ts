/** Access tokens of the instances' service accounts: issued by the metadata server, opaque to everybody but the API. */
import { randomBytes } from 'node:crypto';
import { err, ok, type Result } from '@routerd/resources';
import type { Clock } from '@routerd/runtime';
import type { Nic } from '../address-space.ts';
import { gcpFault, type GcpFault } from './gcp-reply.ts';

const LIFETIME_SECONDS = 3599;
export const SCOPES = ['https://www.googleapis.com/auth/cloud-platform', 'https://www.googleapis.com/auth/compute'];

export interface IssuedToken {
  readonly token: string;
  readonly lifetimeSeconds: number;
}

export class AccessTokens {
  readonly #clock: Clock;
  /** Token → the instance it was issued to, and until when (monotonic, milliseconds). */
  readonly #issued = new Map<string, { readonly instance: string; readonly until: number }>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  issue(nic: Nic): IssuedToken {
    const token = `ya29.c.${randomBytes(48).toString('base64url')}`;
    this.#issued.set(token, { instance: nic.name, until: this.#clock.monotonic() + LIFETIME_SECONDS * 1000 });
    return { token, lifetimeSeconds: LIFETIME_SECONDS };
  }

  /** @returns the name of the instance that the token was issued to */
  verify(authorization: string | undefined): Result<string, GcpFault> {
    const [scheme = '', token = ''] = (authorization ?? '').split(' ');
    if (scheme.toLowerCase() !== 'bearer' || token === '') {
      return err(gcpFault(401, 'required', 'Login Required.'));
    }
    const issued = this.#issued.get(token);
    if (issued === undefined || issued.until <= this.#clock.monotonic()) {
      return err(gcpFault(401, 'authError', 'Request had invalid authentication credentials.'));
    }
    return ok(issued.instance);
  }
}
