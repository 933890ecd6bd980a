/**
 * How many calls the vendor lets through: a token bucket for each family of calls and each caller that the vendor counts together.
 * All full at the start; what is refused takes nothing. Pure but for the time it is given.
 */
import type { CloudConfig } from './cloud-config.ts';

export interface QuotaCall {
  readonly operation: string;
  readonly principal: string;
  readonly mutating: boolean;
}

interface BucketSize {
  /** Calls at once. */
  readonly burst: number;
  readonly perSecond: number;
}

type Kind = 'read' | 'write';

/**
 * - AWS: per account, region and API; the vendor's example of a read is 100 and 20/s ("Request throttling for the Amazon EC2 API"). What changes
 *   something has less; 50 and 5/s are assumed.
 * - Azure: per subscription, principal and region ("Understand how Azure Resource Manager throttles requests").
 * - OCI publishes no figure; the same as AWS's changes is assumed, per tenancy.
 * - GCP: per project and region, in the order of 1,500 a minute for each group of methods ("API rate quotas").
 */
const SIZES: Readonly<Record<CloudConfig['cloud'], Readonly<Record<Kind, BucketSize>>>> = {
  aws: { read: { burst: 100, perSecond: 20 }, write: { burst: 50, perSecond: 5 } },
  azure: { read: { burst: 250, perSecond: 25 }, write: { burst: 200, perSecond: 10 } },
  oci: { read: { burst: 50, perSecond: 5 }, write: { burst: 50, perSecond: 5 } },
  gcp: { read: { burst: 1500, perSecond: 25 }, write: { burst: 1500, perSecond: 25 } },
};

/** How an account signs in, which no vendor counts with its calls. */
const UNCOUNTED: ReadonlySet<string> = new Set(['GetSecurityToken']);

export type QuotaVerdict =
  | { readonly kind: 'let-through'; readonly call: Kind; readonly left: number }
  | { readonly kind: 'refused'; readonly call: Kind; readonly afterMs: number };

interface Bucket {
  tokens: number;
  /** Monotonic, milliseconds. */
  at: number;
}

export class CallQuota {
  readonly #cloud: CloudConfig['cloud'];
  readonly #buckets = new Map<string, Bucket>();
  #percent = 100;

  constructor(cloud: CloudConfig['cloud']) {
    this.#cloud = cloud;
  }

  /**
   * @param percent of the vendor's bucket that there is, at least one call; tokens flow in as fast as at the vendor
   * @param now monotonic, milliseconds
   * @returns undefined for what is not counted
   */
  spend(call: QuotaCall, percent: number, now: number): QuotaVerdict | undefined {
    if (UNCOUNTED.has(call.operation) || call.principal === 'unknown') return undefined;
    if (percent !== this.#percent) this.#buckets.clear();
    this.#percent = percent;
    const kind = call.mutating ? 'write' : 'read';
    const { burst, perSecond } = SIZES[this.#cloud][kind];
    const size = Math.max(1, Math.floor((burst * percent) / 100));
    const key = `${kind}|${this.#countedWith(call)}`;
    const bucket = this.#buckets.get(key) ?? { tokens: size, at: now };
    this.#buckets.set(key, bucket);
    bucket.tokens = Math.min(size, bucket.tokens + ((now - bucket.at) / 1000) * perSecond);
    bucket.at = now;
    if (bucket.tokens < 1) {
      return { kind: 'refused', call: kind, afterMs: Math.ceil(((1 - bucket.tokens) / perSecond) * 1000) };
    }
    bucket.tokens -= 1;
    return { kind: 'let-through', call: kind, left: Math.floor(bucket.tokens) };
  }

  #countedWith({ operation, principal }: QuotaCall): string {
    switch (this.#cloud) {
      case 'aws':
        return operation;
      case 'azure':
        return principal;
      case 'oci':
      case 'gcp':
        return '';
    }
  }
}
