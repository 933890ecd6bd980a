/** VirtualAddress → an address that this host always has, or a virtual router. */
import { ofKind, type Resource, type ResourceOf } from '@routerd/resources';
import type { InterfaceAddressState } from '../host-state.ts';
import { byText } from '../text-order.ts';
import type { TrackedLink, VirtualRouter } from '../vrrp/virtual-router.ts';

export interface LoweredVirtualAddresses {
  /** Of mode static. */
  readonly addresses: readonly InterfaceAddressState[];
  /** Of mode vrrp, sorted by name. */
  readonly routers: readonly VirtualRouter[];
}

/**
 * Three advertisements missed and the skew make 1.2 s at most: two seconds without an answer are never reached, and a machine that is busy
 * for half a second loses nothing. With a password VRRP version 2 is spoken, which counts in whole seconds.
 */
const INTERVAL_MS = 300;
const INTERVAL_WITH_PASSWORD_MS = 1000;

/** @param isUnhealthy told of a HealthCheck by its name */
export function lowerVirtualAddresses(
  resources: readonly Resource[],
  isUnhealthy: (check: string) => boolean,
): LoweredVirtualAddresses {
  const all = ofKind(resources, 'VirtualAddress').toSorted(byText(({ metadata }) => metadata.name));
  return {
    addresses: all
      .filter(({ spec }) => spec.mode === 'static')
      .map(({ spec }) => ({ interface: spec.interface, address: spec.address })),
    routers: all.flatMap(({ metadata: { name }, spec }) =>
      spec.mode === 'static' || spec.vrrp === undefined
        ? []
        : {
            name,
            interface: spec.interface,
            address: spec.address,
            virtualRouterId: spec.vrrp.virtualRouterID,
            priority: priorityNow(spec.vrrp.priority, spec.track, isUnhealthy),
            preempt: spec.vrrp.preempt,
            advertIntervalMs: spec.vrrp.advertInterval ?? defaultInterval(spec.vrrp),
            trackedLinks: linksOf(spec),
            peers: [...new Set(spec.vrrp.peers)].toSorted(),
            passwordFile: spec.vrrp.authentication?.passwordFile,
          },
    ),
  };
}

type Track = ResourceOf<'VirtualAddress'>['spec']['track'];

/** Of one that unhealthy checks cost everything the least is left: it still wins where there is nobody else. */
function priorityNow(priority: number, track: Track, isUnhealthy: (check: string) => boolean): number {
  const costs = track.map(({ resource, unhealthyPenalty }) =>
    resource !== undefined && isUnhealthy(resource) ? unhealthyPenalty : 0,
  );
  return costs.reduce((left, cost) => Math.max(1, left - cost), priority);
}

/** keepalived refuses to weigh the link that the address itself is on. */
function linksOf({ interface: own, track }: ResourceOf<'VirtualAddress'>['spec']): readonly TrackedLink[] {
  return track
    .flatMap(({ interface: link, unhealthyPenalty }) =>
      link === undefined || link === own ? [] : [{ interface: link, penalty: unhealthyPenalty }],
    )
    .toSorted(byText((tracked) => tracked.interface));
}

function defaultInterval({ authentication }: { readonly authentication?: unknown }): number {
  return authentication === undefined ? INTERVAL_MS : INTERVAL_WITH_PASSWORD_MS;
}
