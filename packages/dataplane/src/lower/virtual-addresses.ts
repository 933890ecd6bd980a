/** VirtualAddress → an address that this host always has, or a virtual router. */
import { ofKind, type Resource } from '@routerd/resources';
import type { InterfaceAddressState } from '../host-state.ts';
import { byText } from '../text-order.ts';
import type { VirtualRouter } from '../vrrp/virtual-router.ts';
import type { LoweringProblem } from './claim-lowering.ts';

export interface LoweredVirtualAddresses {
  /** Of mode static. */
  readonly addresses: readonly InterfaceAddressState[];
  /** Of mode vrrp, sorted by name. */
  readonly routers: readonly VirtualRouter[];
  readonly problems: readonly LoweringProblem[];
}

export function lowerVirtualAddresses(resources: readonly Resource[]): LoweredVirtualAddresses {
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
            priority: spec.vrrp.priority,
            preempt: spec.vrrp.preempt,
            peers: [...new Set(spec.vrrp.peers)].toSorted(),
            passwordFile: spec.vrrp.authentication?.passwordFile,
          },
    ),
    problems: all
      .filter(({ spec }) => spec.track.length > 0)
      .map(({ metadata, spec }) => ({
        resource: `VirtualAddress/${metadata.name}`,
        reason: `its priority stays ${spec.vrrp?.priority ?? 0}: HealthChecks are not run, so none that it tracks ever lowers it`,
      })),
  };
}
