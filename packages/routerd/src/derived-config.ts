/** From the plans of all pools to effective-config and the desired state of this host. Pure. */
import {
  effectiveConfig,
  isPlanned,
  type DynamicConfigPart,
  type EffectiveConfig,
  type StoredPart,
} from '@routerd/config';
import {
  lower,
  type ClaimLowering,
  type HostState,
  type HybridRouteLowering,
  type LoweredHealthCheck,
  type LoweredOverlayPaths,
  type VirtualRouter,
} from '@routerd/dataplane';
import { domainResourceOf, type AddressPlan } from '@routerd/mobility';
import type { Instant, Resource } from '@routerd/resources';
import type { PoolState } from './pool-state.ts';
import type { RoleOf } from './vrrp-gates.ts';

export interface DerivedConfig {
  readonly effective: readonly Resource[];
  /** The merge that `effective` comes from. */
  readonly config: EffectiveConfig;
  /** What was merged with startup-config: the planner's parts and the stored ones. */
  readonly parts: readonly (DynamicConfigPart | StoredPart)[];
  readonly claims: readonly ClaimLowering[];
  readonly hybridRoutes: readonly HybridRouteLowering[];
  readonly virtualRouters: readonly VirtualRouter[];
  readonly healthChecks: readonly LoweredHealthCheck[];
  readonly overlayPaths: LoweredOverlayPaths;
  /** What was set aside, and why; everything else is in effect. */
  readonly problems: readonly { readonly subject: string; readonly reason: string }[];
  readonly host: HostState;
}

/** Derived parts of a living daemon are replaced by every pass; they do not expire by themselves. */
export const NEVER = Number.MAX_SAFE_INTEGER as Instant;

/** A pool as far as its plans touch the configuration. */
export interface PlannedPool {
  readonly context: PoolState['context'];
  plans(): Iterable<Pick<AddressPlan, 'claim' | 'captureOpen'>>;
}

/** Cost: linear in resources and claims; once more for each claim that cannot be there. */
export function deriveConfig(
  startup: readonly Resource[],
  pools: readonly PlannedPool[],
  now: Instant,
  stored: readonly StoredPart[] = [],
  roleOf: RoleOf = () => 'unknown',
  isUnhealthy: (healthCheck: string) => boolean = () => false,
): DerivedConfig {
  const { config, parts, setAside } = merge(startup, pools, now, stored);
  const effective = config.resources.map((entry) => entry.resource);
  const open = new Set(
    pools.flatMap((pool) => [...pool.plans()].flatMap((plan) => (plan.captureOpen ? captureKeysOf(plan) : []))),
  );
  const lowered = lower(effective, {
    isCaptureOpen: (key) => open.has(key),
    isVrrpMaster: (name) => roleOf(name) === 'master',
    isUnhealthy,
  });
  return {
    effective,
    config: config.nextExpiry === NEVER ? { ...config, nextExpiry: undefined } : config,
    parts,
    claims: lowered.claims,
    hybridRoutes: lowered.hybridRoutes,
    virtualRouters: lowered.virtualRouters,
    healthChecks: lowered.healthChecks,
    overlayPaths: lowered.overlayPaths,
    problems: [
      ...setAside,
      ...config.parts.flatMap((part) =>
        part.status === 'Rejected' ? [{ subject: part.source, reason: part.reason }] : [],
      ),
      ...lowered.problems.map(({ resource, reason }) => ({ subject: resource, reason })),
    ],
    host: lowered.state,
  };
}

/** Past this many the pool's part is set aside as a whole: something else is wrong. */
const CLAIMS_SET_ASIDE_MAX = 100;

/** One claim of a pool that cannot be there costs itself; the part of a plugin is taken or left as a whole. */
function merge(
  startup: readonly Resource[],
  pools: readonly PlannedPool[],
  now: Instant,
  stored: readonly StoredPart[],
): Pick<DerivedConfig, 'config' | 'parts'> & { readonly setAside: DerivedConfig['problems'] } {
  const setAside = new Map<string, string>();
  for (;;) {
    const parts = [...pools.map((pool) => derivedPart(pool, now, setAside)), ...stored];
    const config = effectiveConfig(startup, parts, now);
    const culprit = config.rejected.find(
      ({ resource, source }) =>
        isPlanned({ source }) && resource?.startsWith(CLAIM) === true && !setAside.has(resource),
    );
    if (culprit?.resource === undefined || setAside.size >= CLAIMS_SET_ASIDE_MAX)
      return { config, parts, setAside: [...setAside].map(([subject, reason]) => ({ subject, reason })) };
    setAside.set(culprit.resource, culprit.reason);
  }
}

const CLAIM = 'RemoteAddressClaim/';

/** The source of what this node's planner derives for a pool. */
export function plannedSource({ context }: Pick<PlannedPool, 'context'>): string {
  return `MobilityPool/${context.name}/node/${context.self}`;
}

/** The same value for the same pool: what was valid beside it need not be looked at again. */
function domainOf(context: PlannedPool['context']): Resource {
  const known = domains.get(context);
  if (known !== undefined) return known;
  const domain = domainResourceOf(context);
  domains.set(context, domain);
  return domain;
}

const domains = new WeakMap<PlannedPool['context'], Resource>();

/** The derived part of one pool: its domain and this node's claims. Its content changes exactly when they do. */
function derivedPart(pool: PlannedPool, now: Instant, setAside: ReadonlyMap<string, string>): DynamicConfigPart {
  const { context } = pool;
  const claims = [...pool.plans()].flatMap(({ claim }) =>
    claim === undefined || setAside.has(`${CLAIM}${claim.metadata.name}`) ? [] : [claim],
  );
  return {
    source: plannedSource(pool),
    generation: 1,
    observedAt: now,
    expiresAt: NEVER,
    directives: [],
    actionPlans: [],
    resources:
      claims.length === 0
        ? []
        : [domainOf(context), ...claims.toSorted((a, b) => (a.metadata.name < b.metadata.name ? -1 : 1))],
  };
}

function captureKeysOf(plan: Pick<AddressPlan, 'claim'>): readonly string[] {
  const gate = plan.claim?.spec.capture.activeWhen;
  return gate?.type === 'capture-holder' ? [gate.captureKey] : [];
}

type HostView = Pick<AddressPlan, 'claim' | 'captureOpen'> | undefined;

/** Whether the host sees the same of two plans of an address; timestamps of leases are no part of it. */
export function isSameToHost(before: HostView, after: HostView): boolean {
  const [was, is] = [before?.claim?.spec, after?.claim?.spec];
  if (was === undefined || is === undefined) return was === is;
  return before?.captureOpen === after?.captureOpen && isSameJson(was, is);
}

/** Of plain data. */
function isSameJson(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false;
  const keys = Object.keys(a);
  if (keys.length !== Object.keys(b).length) return false;
  for (const key of keys) if (!isSameJson(Reflect.get(a, key), Reflect.get(b, key))) return false;
  return true;
}
