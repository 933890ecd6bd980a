/** Which paths need smaller segments: derived here alone, from what is forwarded, whatever kind of resource asked for it. */
import { ofKind, type Resource } from '@routerd/resources';
import type { MssClamp } from '../host-state.ts';
import { DEFAULT_INTERFACE_MTU, mssFor } from '../mss.ts';
import { byText } from '../text-order.ts';
import type { Tunnel } from './tunnels.ts';

/** What enters or leaves tunnels here. */
export interface ForwardingFacts {
  /** An interface of this host whose packets take a tunnel; undefined: it may be any that is declared. One entry a claim or route. */
  readonly from: readonly (string | undefined)[];
  /** Every tunnel that anything may arrive through. */
  readonly tunnels: readonly Tunnel[];
}

/**
 * Every forwarding interface with every tunnel: a remote site that moves its delivery to another of our tunnels finds the clamp there.
 * What does not say where its packets come from (a provider capture without an interface, a HybridRoute) stands for every declared Interface.
 */
export function clampedPaths(resources: readonly Resource[], { from, tunnels }: ForwardingFacts): readonly MssClamp[] {
  if (from.length === 0) return [];
  const tunnelMtus = new Map<string, number>();
  for (const { interface: name, mtu } of tunnels) tunnelMtus.set(name, Math.min(mtu, tunnelMtus.get(name) ?? mtu));
  const mtus = new Map(ofKind(resources, 'Interface').map(({ spec }) => [spec.ifname, spec.mtu]));
  const declared = [...mtus.keys()].filter((name) => !tunnelMtus.has(name));
  const captureInterfaces = new Set([...new Set(from)].flatMap((name) => name ?? declared));
  return [...captureInterfaces]
    .flatMap((captureInterface) =>
      [...tunnelMtus].flatMap(([tunnelInterface, mtu]) =>
        captureInterface === tunnelInterface || mtu >= (mtus.get(captureInterface) ?? DEFAULT_INTERFACE_MTU)
          ? []
          : [{ captureInterface, tunnelInterface, mss: mssFor(mtu) }],
      ),
    )
    .toSorted(byText((clamp) => `${clamp.captureInterface} ${clamp.tunnelInterface}`));
}
