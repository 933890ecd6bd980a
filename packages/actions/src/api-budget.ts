/**
 * What one account's API still allows, shared by all NICs of this router. Other routers and tools spend from the same account: what the
 * provider says of it counts more than what is counted here.
 *
 * 1. The lane `failover` (changes, their read-backs, the resolution of calls without an answer) waits only for what the provider said:
 *    Retry-After, a rate header that says nothing is left, or a refusal. Our own count never holds it back before the provider has spoken.
 *    After a refusal it goes at the pace at which the bucket refills, one NIC after the other, until half a minute has passed without one.
 *    Each refusal in that time halves the pace, once a second at most: other routers then spend from the same bucket, and none of us
 *    knows how many they are.
 * 2. The lane `reading` (quiet NICs that are read again) leaves half of the bucket to the first lane, and stays away for a while after
 *    every throttled answer.
 * 3. The lane `survey` (preflight, check, inventory: what somebody wants to know) does so too, and leaves three quarters to the others.
 * 4. Reads and writes have buckets of their own, as at every provider.
 */
import type { Provider } from '@routerd/mobility';
import type { Monotonic } from '@routerd/resources';
import type { Clock } from '@routerd/runtime';
import type { ApiUsage } from './ports.ts';
import { RETRY_AFTER_MS_MAX } from './retry.ts';

export type ApiLane = 'failover' | 'reading' | 'survey';
export const CALLS = ['read', 'write'] as const;
export type ApiCall = (typeof CALLS)[number];

interface BucketSize {
  /** Calls at once. */
  readonly burst: number;
  readonly perSecond: number;
}

/**
 * AWS: vendor's example of a token bucket per account, region and API ("Request throttling for the Amazon EC2 API", 100 and 20/s; changes
 * have less). Azure: per subscription, principal and region ("Understand how Azure Resource Manager throttles requests"). OCI publishes
 * nothing, GCP a quota per minute that projects can change: both are guesses on the safe side, and only the lower lanes are held to them.
 */
const BUCKETS: Readonly<Record<Provider, Readonly<Record<ApiCall, BucketSize>>>> = {
  aws: { read: { burst: 100, perSecond: 20 }, write: { burst: 50, perSecond: 5 } },
  azure: { read: { burst: 250, perSecond: 25 }, write: { burst: 200, perSecond: 10 } },
  oci: { read: { burst: 50, perSecond: 5 }, write: { burst: 50, perSecond: 5 } },
  gcp: { read: { burst: 100, perSecond: 10 }, write: { burst: 100, perSecond: 10 } },
};
/** The part of a bucket that a lane never touches. */
const KEPT_SHARE = { reading: 0.5, survey: 0.75 } as const;
/** How long the lower lanes stay away after a throttled answer, at least. Milliseconds. */
const AWAY_AFTER_THROTTLE_MS = 30_000;
/** Refusals that come together have one cause. */
const SAME_REFUSAL_MS = 1000;
const SLOWEST_SHARE = 1 / 16;

interface Bucket {
  readonly size: BucketSize;
  tokens: number;
  at: Monotonic;
  /** The provider wants no call before this. */
  closedUntil: number;
  /** Nor the lower lanes before this; and until then the first keeps the pace, too. */
  awayUntil: number;
  /** Of the pace at which the bucket refills, while it is kept. */
  share: number;
  /** When the last refusal came. */
  refusedAt: number;
  /** Calls that were let through while the pace is kept, and not made yet. Their tokens are gone. */
  admitted: number;
}

export interface Account {
  readonly provider: Provider;
  readonly providerRef: string;
}

export class ApiBudget {
  readonly #clock: Pick<Clock, 'monotonic'>;
  readonly #buckets = new Map<string, Bucket>();

  constructor(clock: Pick<Clock, 'monotonic'>) {
    this.#clock = clock;
  }

  /** Of what only looks, and may take calls of both kinds: providers count a dry run as the change that it is not. @returns undefined: now */
  surveyNotBefore(account: Account): Monotonic | undefined {
    return this.#later(Math.max(...CALLS.map((call) => this.notBefore(account, call, 'survey') ?? 0)));
  }

  /** @returns when the call may be made; undefined: now */
  notBefore(account: Account, call: ApiCall, lane: ApiLane): Monotonic | undefined {
    const { closedUntil, awayUntil } = this.#bucket(account, call);
    const told = lane === 'failover' ? closedUntil : Math.max(closedUntil, awayUntil);
    return this.#later(Math.max(told, this.#refilledAt(account, call, lane)));
  }

  /**
   * When a change may be asked for, which takes a few reads as well. It keeps their pace after a refusal, and does not wait for what the
   * provider said to somebody who only wanted to read.
   * @returns undefined: now
   */
  changeNotBefore(account: Account): Monotonic | undefined {
    const writable = this.notBefore(account, 'write', 'failover') ?? 0;
    return this.#later(Math.max(writable, this.#refilledAt(account, 'read', 'failover')));
  }

  #later(at: number): Monotonic | undefined {
    return at > this.#clock.monotonic() ? (at as Monotonic) : undefined;
  }

  /** When there are tokens enough; 0: there are. */
  #refilledAt(account: Account, call: ApiCall, lane: ApiLane): number {
    const bucket = this.#bucket(account, call);
    const needed = neededFor(lane, bucket);
    const missing = needed - bucket.tokens;
    return missing <= 0 ? 0 : this.#clock.monotonic() + Math.ceil((missing / refillOf(bucket)) * 1000);
  }

  /** Somebody whom {@link notBefore} lets make the call is about to. Without it all who wait would come at once. */
  admit(account: Account, call: ApiCall): void {
    const bucket = this.#bucket(account, call);
    if (!isPaced(bucket)) return;
    bucket.tokens -= 1;
    bucket.admitted += 1;
  }

  spend(account: Account, call: ApiCall, calls = 1): void {
    const bucket = this.#bucket(account, call);
    const prepaid = Math.max(0, Math.min(bucket.admitted, calls));
    bucket.admitted -= prepaid;
    bucket.tokens = Math.max(-bucket.size.burst, bucket.tokens - (calls - prepaid));
  }

  /**
   * The provider refused a call.
   * @param retryAfterMs what it asked for; then nobody calls before it has passed, or an hour
   */
  throttled(account: Account, call: ApiCall, retryAfterMs: number | undefined): void {
    const waitMs = Math.min(retryAfterMs ?? 0, RETRY_AFTER_MS_MAX);
    const bucket = this.#bucket(account, call);
    const now = this.#clock.monotonic();
    const isAnother = now - bucket.refusedAt >= SAME_REFUSAL_MS;
    if (isPaced(bucket) && isAnother) bucket.share = Math.max(SLOWEST_SHARE, bucket.share / 2);
    if (isAnother) bucket.refusedAt = now;
    bucket.tokens = 0; // there is none, and the provider keeps no debts
    bucket.closedUntil = Math.max(bucket.closedUntil, now + waitMs);
    bucket.awayUntil = Math.max(bucket.awayUntil, now + Math.max(waitMs, AWAY_AFTER_THROTTLE_MS));
  }

  /**
   * What an answer cost and what its rate headers said.
   * @param counted what was spent for it beforehand
   */
  learned(account: Account, usage: ApiUsage, counted: Readonly<Record<ApiCall, number>>): void {
    this.#learn(account, 'read', { made: usage.reads, counted: counted.read, left: usage.readsLeft }, usage);
    this.#learn(account, 'write', { made: usage.writes, counted: counted.write, left: usage.writesLeft }, usage);
  }

  #learn(
    account: Account,
    call: ApiCall,
    {
      made,
      counted,
      left,
    }: { readonly made: number | undefined; readonly counted: number; readonly left: number | undefined },
    { resetsAfterMs = 0 }: ApiUsage,
  ): void {
    if (made !== undefined && made !== counted) this.spend(account, call, made - counted);
    if (left === undefined) return;
    const bucket = this.#bucket(account, call);
    bucket.tokens = Math.min(bucket.size.burst, left);
    if (left > 0) return;
    const waitMs = Math.min(resetsAfterMs, RETRY_AFTER_MS_MAX);
    bucket.closedUntil = Math.max(bucket.closedUntil, this.#clock.monotonic() + waitMs);
  }

  /** With what has flowed into it since. */
  #bucket({ provider, providerRef }: Account, call: ApiCall): Bucket {
    const key = `${provider}|${providerRef}|${call}`;
    const size = BUCKETS[provider][call];
    const now = this.#clock.monotonic();
    const fresh = { closedUntil: 0, awayUntil: 0, share: 1, refusedAt: Number.NEGATIVE_INFINITY, admitted: 0 };
    const bucket = this.#buckets.get(key) ?? { size, tokens: size.burst, at: now, ...fresh };
    bucket.tokens = Math.min(size.burst, bucket.tokens + ((now - bucket.at) / 1000) * refillOf(bucket));
    bucket.at = now;
    if (!isPaced(bucket)) Object.assign(bucket, { share: 1, admitted: 0 });
    this.#buckets.set(key, bucket);
    return bucket;
  }
}

/** Tokens that have to be there. */
function neededFor(lane: ApiLane, bucket: Bucket): number {
  if (lane !== 'failover') return bucket.size.burst * KEPT_SHARE[lane] + 1;
  return isPaced(bucket) ? 1 : Number.NEGATIVE_INFINITY;
}

/** As of when the bucket was last looked at. */
function isPaced({ at, awayUntil }: Bucket): boolean {
  return at < awayUntil;
}

/** Tokens a second. */
function refillOf({ size, share }: Bucket): number {
  return size.perSecond * share;
}
