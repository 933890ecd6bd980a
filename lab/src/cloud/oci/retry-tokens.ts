/** `opc-retry-token`: the same request twice does its work once, for 24 hours. */
import type { Clock } from '@routerd/runtime';
import type { WireReply } from '../wire.ts';
import { faultReply, ociFault } from './oci-reply.ts';

const MEMORY_MS = 24 * 3_600_000;

interface Remembered {
  readonly body: string;
  readonly reply: Promise<WireReply>;
  /** Wall clock, milliseconds. */
  readonly until: number;
}

export class RetryTokens {
  readonly #clock: Clock;
  readonly #remembered = new Map<string, Remembered>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /**
   * @param isStanding whether what that reply told of is still there; a token whose work was undone since is refused
   * @param perform what it does the first time; a refusal is not remembered
   */
  async once(
    request: { readonly token: string; readonly principal: string; readonly body: string },
    isStanding: (reply: WireReply) => boolean,
    perform: () => Promise<WireReply>,
  ): Promise<WireReply> {
    const key = `${request.principal} ${request.token}`;
    const known = this.#remembered.get(key);
    if (known !== undefined && known.until > this.#clock.now()) {
      const reply = await known.reply;
      if (known.body === request.body && isStanding(reply)) return reply;
      const why = 'The retry token was used with another request, or what it made is gone.';
      return faultReply(ociFault(409, 'InvalidatedRetryToken', why));
    }
    const reply = perform();
    this.#remembered.set(key, { body: request.body, reply, until: this.#clock.now() + MEMORY_MS });
    const done = await reply;
    if (done.status >= 400) this.#remembered.delete(key);
    return done;
  }
}
