/** From what OCI shows of a VNIC and its subnet to dynamic configuration. Pure. */
import {
  bareAddress,
  hostAddress,
  liesWithin,
  presenceFact,
  type ObserveRequest,
  type ObserveResult,
  type Presence,
} from '@routerd/plugin-sdk';
import { epochIn, type PrivateIp, type Vnic } from '@routerd/plugin-oci';
import type { DomainSettings } from './settings.ts';

/** What was read of the subnet. */
export interface SubnetView {
  readonly vnic: Pick<Vnic, 'id' | 'skipSourceDestCheck'>;
  /** All addresses of the subnet, this VNIC's too. */
  readonly addresses: readonly PrivateIp[];
  /** VNICs that send only as themselves, so that their addresses live with them, and whether they are here; empty unless facts are told. */
  readonly machines: ReadonlyMap<string, Presence>;
}

type ActionPlan = NonNullable<ObserveResult['actionPlans']>[number];

/**
 * Of the addresses in the domain's prefix:
 * 1. A secondary of this VNIC is captured here: a claim.
 * 2. An address that is wanted here and that nobody has in the subnet: a claim, and the action that would put it on the VNIC.
 * 3. An address that another VNIC has is left alone, wanted or not: it lives there, or another router captures it.
 * 4. Without `skipSourceDestCheck` no claim delivers anything: the action that would set it.
 * 5. If facts are told: an address on a machine's VNIC, which no router captured, was observed at this site; it expired if the machine is gone.
 *    Where nobody can say whether it is, the address stays where it was seen.
 * 6. Asked for a subscription it speaks of the addresses of the events alone: the others have a say of their own.
 *
 * Actions are described, never made: whoever reads them makes them, or routerd's own planner does.
 */
export function takeInventory(
  settings: DomainSettings,
  { events, trigger }: Pick<ObserveRequest, 'events' | 'trigger'>,
  view: SubnetView,
): ObserveResult {
  const { vnic } = view;
  const inDomain = view.addresses.filter(({ address }) => liesWithin(settings.prefix, address));
  const holderOf = new Map(
    inDomain.map(({ address, vnicId }) => [hostAddress(address), vnicId ?? 'a detached address']),
  );
  const captured = inDomain
    .filter(({ vnicId, isPrimary }) => vnicId === vnic.id && !isPrimary)
    .map(({ address }) => hostAddress(address));
  const observed = events.filter(({ type }) => type === 'routerd.client.ipv4.observed').map(({ subject }) => subject);
  const wanted = new Set([...settings.wanted, ...observed]);
  const missing = [...wanted].filter(
    (address) => !holderOf.has(address) && liesWithin(settings.prefix, bareAddress(address)),
  );
  const subjects =
    trigger.type === 'federation-subscription' ? new Set(events.map(({ subject }) => subject)) : undefined;
  const isAskedFor = (address: string): boolean => subjects?.has(address) ?? true;
  const proposed = missing.filter(isAskedFor).toSorted();
  const claimed = [...captured.filter(isAskedFor), ...proposed].toSorted();
  return {
    ttl: settings.ttl,
    resources: claimed.map((address) => claimOf(settings, address)),
    actionPlans: [
      ...proposed.map((address) => assignPlan(settings, address)),
      ...(claimed[0] === undefined || vnic.skipSourceDestCheck ? [] : [forwardingPlan(settings, claimed[0])]),
    ],
    events: inDomain
      .filter(({ vnicId = '', freeformTags }) => view.machines.has(vnicId) && epochIn(freeformTags) === undefined)
      .map(({ address, vnicId = '' }) => presenceFact(hostAddress(address), view.machines.get(vnicId) ?? 'unknown')),
  };
}

function claimOf({ domain, profile, vnicId, peer }: DomainSettings, address: string): unknown {
  return {
    apiVersion: 'hybrid.routerd.net/v1alpha1',
    kind: 'RemoteAddressClaim',
    metadata: { name: `oci-${bareAddress(address).replaceAll('.', '-')}` },
    spec: {
      domainRef: domain,
      address,
      ownerSide: 'onprem',
      capture: {
        type: 'provider-secondary-ip',
        providerRef: profile,
        providerMode: 'vnic-secondary-ip',
        nicRef: vnicId,
      },
      delivery: { peerRef: peer, mode: 'route' },
    },
  };
}

function assignPlan({ profile, vnicId }: DomainSettings, address: string): ActionPlan {
  return {
    name: `assign ${address}`,
    provider: 'oci',
    providerRef: profile,
    action: 'assign-secondary-ip',
    target: { nicRef: vnicId, address },
    mode: 'dry-run',
    description: `oci network vnic assign-private-ip --vnic-id ${vnicId} --ip-address ${bareAddress(address)}`,
    riskLevel: 'medium',
    idempotencyKey: `oci:${vnicId}:assign-secondary-ip:${address}`,
    expectedEffects: [`packets for ${address} arrive at the VNIC`],
    undo: { action: 'unassign-secondary-ip' },
  };
}

/** @param address one that needs it: policies look at addresses */
function forwardingPlan({ profile, vnicId }: DomainSettings, address: string): ActionPlan {
  return {
    name: 'skip the source/destination check',
    provider: 'oci',
    providerRef: profile,
    action: 'ensure-forwarding-enabled',
    target: { nicRef: vnicId, address },
    parameters: { skipSourceDestCheck: 'true' },
    mode: 'dry-run',
    description: `oci network vnic update --vnic-id ${vnicId} --skip-source-dest-check true`,
    riskLevel: 'medium',
    idempotencyKey: `oci:${vnicId}:ensure-forwarding-enabled`,
    expectedEffects: ['the VNIC may send packets of other sources'],
    undo: { action: 'ensure-forwarding-disabled', parameters: { skipSourceDestCheck: 'false' } },
  };
}
