/** What is given when a lease is derived, and how leases are made from it. */
import type { Instant, SiteName } from '@routerd/resources';
import type { AddressInput, AddressLease, LeaseStatus, PoolContext, PoolSituation, Reason } from './model.ts';
import type { Order } from './operator-order.ts';
import type { SiteVoice } from './site-voice.ts';

export interface LeaseVerdict {
  /** Undefined while nobody has ever reported the address. */
  readonly lease: AddressLease | undefined;
  readonly because: readonly Reason[];
  /** When time alone could change the verdict. */
  readonly lookAgainAt: Instant | undefined;
  /** What everybody should be told to do, since this node decided it alone. */
  readonly orderWish?: Order;
}

export interface LeaseCase {
  readonly context: PoolContext;
  readonly situation: PoolSituation;
  readonly input: AddressInput;
  readonly voices: readonly SiteVoice[];
}

/** What a lease keeps while it stays at one site. */
export type Tenure = Pick<AddressLease, 'leaseEpoch' | 'since' | 'moves'>;

/** Of the other sites that assert the address, the one that has done so longest. */
export function freshBesides({ voices }: LeaseCase, site: SiteName): SiteVoice | undefined {
  return voices.find((voice) => voice.site !== site && voice.kind === 'fresh');
}

export function holdOf({ context }: LeaseCase): number {
  return context.pool.spec.leasePolicy.holdDuration;
}

/** Time alone changes a verdict when an assertion ends, or a hold. */
export function nextChange({ voices, situation }: LeaseCase, until?: Instant): Instant | undefined {
  const ends = voices.flatMap(({ nextEndAt }) => nextEndAt ?? []);
  const ahead = [...ends, ...(until === undefined ? [] : [until])].filter((at) => at > situation.now);
  return ahead.length === 0 ? undefined : (Math.min(...ahead) as Instant);
}

/** `owner` is the site that has the address, by whatever it says. */
export function leaseOf(
  { context, input }: LeaseCase,
  { site, node, role, expiresAt }: Pick<SiteVoice, 'site' | 'node' | 'role' | 'expiresAt'>,
  { leaseEpoch, since, moves }: Tenure,
  status: LeaseStatus,
  rival?: SiteVoice,
): AddressLease {
  const challenger = rivalOf(rival);
  const { address } = input;
  const lease = {
    pool: context.name,
    address,
    status,
    site,
    ownerNode: node,
    role,
    leaseEpoch,
    since,
    expiresAt,
    challenger,
  };
  return moves === undefined ? lease : { ...lease, moves };
}

/** The previous lease in a state in which nobody asserts it. */
export function resting(
  { pool, address, site, ownerNode, role, leaseEpoch, since, expiresAt, moves }: AddressLease,
  state: Pick<AddressLease, 'status'> &
    Partial<Pick<AddressLease, 'since' | 'lapsingSince' | 'frozen' | 'handingTo' | 'challenger'>>,
): AddressLease {
  const kept = { pool, address, site, ownerNode, role, leaseEpoch, since, expiresAt, challenger: undefined };
  return { ...kept, ...(moves === undefined ? {} : { moves }), ...state };
}

export function rivalOf(voice: SiteVoice | undefined): AddressLease['challenger'] {
  if (voice === undefined) return undefined;
  const { site, node, firstAcceptedAt } = voice;
  return { site, node, firstAcceptedAt };
}
