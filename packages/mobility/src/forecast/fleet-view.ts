/** The context that another router of the pool has, as far as this node can tell. */
import { parseResource, type ResourceOf } from '@routerd/resources';
import type { PoolContext, PoolMember, Provider } from '../model.ts';
import { providerOf } from './provider-calls.ts';

/**
 * The pool is the same on every node; peers and profiles are each node's own. It is assumed that every router has a peer for each router
 * of other sites, named like it, and a profile for its own NIC.
 */
export function viewOf(context: PoolContext, member: PoolMember): PoolContext {
  if (member.node === context.self) return context;
  const peers = [...context.members.values()]
    .filter(({ site }) => site !== member.site)
    .map(({ node }) => [node, { peerRef: node, tunnelInterface: undefined }] as const);
  return {
    ...context,
    self: member.node,
    selfMember: member,
    peerByNode: new Map(peers),
    profiles: profilesOf(context, member),
  };
}

function profilesOf(context: PoolContext, member: PoolMember): PoolContext['profiles'] {
  const { capture } = member.spec;
  if (capture.type !== 'provider-secondary-ip' || context.profiles.has(capture.providerRef)) return context.profiles;
  const profile = assumedProfile(capture.providerRef, providerOf(context, member) ?? 'aws');
  return profile === undefined ? context.profiles : new Map([...context.profiles, [capture.providerRef, profile]]);
}

function assumedProfile(name: string, provider: Provider): ResourceOf<'CloudProviderProfile'> | undefined {
  const parsed = parseResource({
    apiVersion: 'hybrid.routerd.net/v1alpha1',
    kind: 'CloudProviderProfile',
    metadata: { name },
    spec: { provider, capabilities: ['assumed'] },
  });
  return parsed.ok && parsed.value.kind === 'CloudProviderProfile' ? parsed.value : undefined;
}
