/** One node's view of its pools, lowered from effective-config once per change. */
import {
  err,
  ofKind,
  ok,
  parsePoolName,
  type NodeName,
  type PoolName,
  type Resource,
  type ResourceOf,
  type Result,
} from '@routerd/resources';
import type { CaptureDomain } from './capture-record.ts';
import type { PoolContext, PoolMember } from './model.ts';

export interface PoolContextFault {
  readonly code: 'pool.not-declared' | 'pool.no-event-group' | 'pool.bad-name';
  readonly message: string;
}

type MemberSpec = ResourceOf<'MobilityPool'>['spec']['members'][number];

/** The context of one pool. */
export function poolContextOf(resources: readonly Resource[], name: PoolName): Result<PoolContext, PoolContextFault> {
  const pools = ofKind(resources, 'MobilityPool');
  const pool = pools.find(({ metadata }) => metadata.name === name);
  if (pool !== undefined) return contextOf(resources, pool);
  const declared = pools.map(({ metadata }) => metadata.name).join(', ') || 'none';
  return err({ code: 'pool.not-declared', message: `There is no MobilityPool "${name}"; declared: ${declared}.` });
}

/** The context of every pool, in the order declared. */
export function poolContexts(resources: readonly Resource[]): Result<readonly PoolContext[], PoolContextFault> {
  const contexts: PoolContext[] = [];
  for (const pool of ofKind(resources, 'MobilityPool')) {
    const context = contextOf(resources, pool);
    if (!context.ok) return context;
    contexts.push(context.value);
  }
  return ok(contexts);
}

function contextOf(
  resources: readonly Resource[],
  pool: ResourceOf<'MobilityPool'>,
): Result<PoolContext, PoolContextFault> {
  const name = parsePoolName(pool.metadata.name);
  if (!name.ok)
    return err({
      code: 'pool.bad-name',
      message: `A pool's name is a lower-case label; found "${pool.metadata.name}".`,
    });
  const group = ofKind(resources, 'EventGroup').find((candidate) => candidate.metadata.name === pool.spec.groupRef);
  if (group === undefined)
    return err({
      code: 'pool.no-event-group',
      message: `MobilityPool/${name.value} names EventGroup "${pool.spec.groupRef}", which is not declared.`,
    });
  const members = new Map(pool.spec.members.map((spec) => [spec.nodeRef, memberOf(spec)] as const));
  const peers = ofKind(resources, 'OverlayPeer').map(
    (peer) =>
      [peer.spec.nodeID, { peerRef: peer.metadata.name, tunnelInterface: peer.spec.underlay.interface }] as const,
  );
  return ok({
    pool,
    name: name.value,
    prefix: pool.spec.prefix,
    self: group.spec.nodeName,
    selfMember: members.get(group.spec.nodeName),
    members,
    peerByNode: new Map<NodeName, { readonly peerRef: string; readonly tunnelInterface: string | undefined }>(peers),
    profiles: new Map(ofKind(resources, 'CloudProviderProfile').map((profile) => [profile.metadata.name, profile])),
  });
}

function memberOf(spec: MemberSpec): PoolMember {
  return {
    node: spec.nodeRef,
    site: spec.site,
    role: spec.role,
    domain: domainOf(spec),
    priority: spec.placement?.priority ?? 100,
    capacity: spec.capture.type === 'provider-secondary-ip' ? spec.capture.capacity : undefined,
    spec,
  };
}

function domainOf({ capture, placement, nodeRef, site }: MemberSpec): CaptureDomain {
  if (capture.type === 'proxy-arp') return `site:${site}:segment:${capture.interface}` as CaptureDomain;
  const scope = placement?.group === undefined ? `node:${nodeRef}` : `placement:${placement.group}`;
  return `provider:${capture.providerRef}:${scope}` as CaptureDomain;
}
