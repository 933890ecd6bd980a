/** Proposals for provider actions: what a NIC should be told, stamped with the epoch it was decided under. */
import { bareAddress, type HostAddress } from '@routerd/resources';
import { safeName } from './claim.ts';
import type { CaptureRecord } from './capture-record.ts';
import type { ActionProposal, ActionVerb, PoolContext, PoolMember, Reason } from './model.ts';

export interface ActionWish {
  readonly verb: ActionVerb;
  readonly address: HostAddress;
  /** The record that stands; an action is stamped with its key and epoch. */
  readonly record: CaptureRecord;
  readonly because: readonly Reason[];
}

/** Undefined where self captures without a provider. */
export function proposalOf(context: PoolContext, self: PoolMember, wish: ActionWish): ActionProposal | undefined {
  const { capture } = self.spec;
  if (capture.type !== 'provider-secondary-ip') return undefined;
  const profile = context.profiles.get(capture.providerRef);
  if (profile === undefined) return undefined;
  const { verb, address, record, because } = wish;
  const provider = profile.spec.provider;
  const isAddressVerb = verb === 'assign-secondary-ip' || verb === 'unassign-secondary-ip';
  const key = [
    'mobility',
    context.name,
    provider,
    capture.nicRef,
    verb,
    ...(isAddressVerb ? [bareAddress(address)] : []),
    'epoch',
    record.epoch,
  ].join(':');
  const seize = verb === 'assign-secondary-ip' ? seizeFrom(context, self, record) : undefined;
  return {
    idempotencyKey: key,
    pool: context.name,
    provider,
    providerRef: capture.providerRef,
    nicRef: capture.nicRef,
    verb,
    address,
    captureKey: record.key,
    captureDomain: record.domain,
    captureEpoch: record.epoch,
    captureHolder: context.self,
    seize,
    target: {
      ...(verb === 'assign-secondary-ip' ? nicsOfOthers(context, self) : {}),
      ...nicTargetOf(context, self),
      ...(provider === 'azure' && isAddressVerb
        ? { ipConfigName: safeName(`${context.name}-${bareAddress(address)}`) }
        : {}),
    },
    riskLevel: seize === undefined ? 'medium' : 'high',
    because,
  };
}

/**
 * Until the capture is verified, an assign may take the address from the node that the tenure follows, if that is a router of the same
 * domain. A held address that is not on the NIC has gone nobody knows where: it is assigned again, and taken from nobody.
 */
function seizeFrom(context: PoolContext, self: PoolMember, record: CaptureRecord): ActionProposal['seize'] {
  const isUnderWay = record.phase === 'acquiring' || record.phase === 'confirmed';
  const from = isUnderWay && record.previous !== undefined ? context.members.get(record.previous) : undefined;
  return from === undefined || from.node === self.node || from.domain !== self.domain ? undefined : { from: from.node };
}

/**
 * Whose NIC is whose, for an executor that may take an address from one of them and from nobody else: `nicOf.<node>` for every other router
 * of the domain. The same on every assign, whether it takes or not, so that it stays when a batch is told only what all its rows agree on.
 */
function nicsOfOthers(context: PoolContext, self: PoolMember): Readonly<Record<string, string>> {
  const known = nicsBeside.get(self);
  if (known !== undefined) return known;
  const others = [...context.members.values()].filter(
    ({ node, domain }) => domain === self.domain && node !== self.node,
  );
  const nics = Object.fromEntries(
    others.flatMap(({ node, spec: { capture } }) =>
      capture.type === 'provider-secondary-ip' ? [[`nicOf.${node}`, capture.nicRef] as const] : [],
    ),
  );
  nicsBeside.set(self, nics);
  return nics;
}

/** A member never changes; it is forgotten with its pool. */
const nicsBeside = new WeakMap<PoolMember, Readonly<Record<string, string>>>();

/** The provider's keys of a member's NIC: from the profile, the NIC's reference, and `capture.target`, which wins. */
export function nicTargetOf(context: PoolContext, member: PoolMember): Readonly<Record<string, string>> {
  const known = nicTargets.get(member);
  if (known !== undefined) return known;
  const target = nicTargetIn(context, member);
  nicTargets.set(member, target);
  return target;
}

/** It is asked for with every plan. A member never changes; it is forgotten with its pool. */
const nicTargets = new WeakMap<PoolMember, Readonly<Record<string, string>>>();

function nicTargetIn(context: PoolContext, member: PoolMember): Readonly<Record<string, string>> {
  const { capture } = member.spec;
  if (capture.type !== 'provider-secondary-ip') return {};
  const { provider, region, subscriptionID, resourceGroup, compartmentId } =
    context.profiles.get(capture.providerRef)?.spec ?? {};
  const known = {
    region,
    subscriptionId: subscriptionID,
    resourceGroup,
    compartmentId,
    nicName: provider === 'azure' ? capture.nicRef.split('/').at(-1) : undefined,
  };
  const present = Object.entries(known).flatMap(([key, value]) => (value === undefined ? [] : [[key, value] as const]));
  return { ...Object.fromEntries(present), ...capture.target };
}
