/** What is known of one claim on this host: its delivery route, and that its address is not configured here. */
import { slotOfRoute, textOfRoute } from '../host-slot.ts';
import type { ClaimLowering } from '../lower/claim-lowering.ts';
import type { HostReconcilerStatus } from '../reconciler/host-reconciler.ts';

/** `captureOSAddressAbsence` of a claim whose address is captured at a provider. */
export interface OsAddressAbsence {
  readonly address: string;
  /** Where it was found last, else the capture interface. */
  readonly interface: string | undefined;
  /** It is taken off whichever interface it appears on, whenever it does. */
  readonly enforced: true;
  /** The last change of the host took it off. */
  readonly lastReconcileRemoved: boolean;
}

/** @returns undefined for a claim that leaves the host's addresses alone */
export function osAddressAbsence(
  claim: ClaimLowering,
  status: Pick<HostReconcilerStatus, 'addressesTakenOff'>,
): OsAddressAbsence | undefined {
  if (claim.captureType !== 'provider-secondary-ip') return undefined;
  const takenOff = status.addressesTakenOff.get(claim.address);
  return {
    address: claim.address,
    interface: takenOff?.interface ?? claim.captureInterface,
    enforced: true,
    lastReconcileRemoved: takenOff?.byLastChange ?? false,
  };
}

export interface DeliveryRouteStatus {
  readonly deliveryRouteName: string;
  readonly deliveryDevice: string;
  readonly deliveryMetric: number | undefined;
  readonly deliveryPreferredSource: string | undefined;
  /** Set when the route stands without its preferred source, because no interface has it. */
  readonly preferredSourceSkipped: 'LocalAddressMissing' | undefined;
  /** `Gated`: behind a closed vrrp-master gate there is none. */
  readonly deliveryRoutePhase: 'Installed' | 'Pending' | 'Gated';
}

export function deliveryRouteStatus(
  claim: ClaimLowering,
  { observed }: Pick<HostReconcilerStatus, 'observed'>,
): DeliveryRouteStatus {
  const { route } = claim;
  const present =
    route === undefined ? undefined : observed?.routes.find((shown) => slotOfRoute(shown) === slotOfRoute(route));
  const source = route?.preferredSource;
  const skipped = source !== undefined && present !== undefined && present.preferredSource === undefined;
  const isCurrent =
    route !== undefined &&
    present !== undefined &&
    textOfRoute({ ...route, preferredSource: undefined }) === textOfRoute({ ...present, preferredSource: undefined });
  return {
    deliveryRouteName: `sam-${claim.claim}-delivery`,
    deliveryDevice: claim.tunnelInterface,
    deliveryMetric: route?.metric,
    deliveryPreferredSource: source,
    preferredSourceSkipped: skipped ? 'LocalAddressMissing' : undefined,
    deliveryRoutePhase: route === undefined ? 'Gated' : isCurrent ? 'Installed' : 'Pending',
  };
}
