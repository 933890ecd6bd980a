/** TunnelInterface → tunnels and their addresses; Interface that is ours to set → settings of links. */
import { ofKind, type Resource } from '@routerd/resources';
import { slotOfLink } from '../host-slot.ts';
import type { InterfaceAddressState, LinkSetting, TunnelState } from '../host-state.ts';
import { byText } from '../text-order.ts';
import type { LoweringProblem } from './claim-lowering.ts';

export interface LoweredLinks {
  /** Sorted by name. */
  readonly tunnels: readonly TunnelState[];
  readonly addresses: readonly InterfaceAddressState[];
  readonly settings: readonly LinkSetting[];
  readonly problems: readonly LoweringProblem[];
}

export function lowerLinks(resources: readonly Resource[]): LoweredLinks {
  const tunnels = ofKind(resources, 'TunnelInterface');
  const made = new Set([
    ...tunnels.map(({ metadata }) => metadata.name),
    ...ofKind(resources, 'WireGuardInterface').map(({ metadata }) => metadata.name),
  ]);
  const settings = new Map<string, LinkSetting>();
  const problems: LoweringProblem[] = [];
  for (const { metadata, spec } of ofKind(resources, 'Interface').toSorted(byText((entry) => entry.metadata.name))) {
    if (!spec.managed) continue;
    const resource = `Interface/${metadata.name}`;
    if (made.has(spec.ifname)) {
      problems.push({ resource, reason: `${spec.ifname} is made by another resource, which says how` });
      continue;
    }
    for (const setting of settingsOf(spec)) {
      const other = settings.get(slotOfLink(setting));
      if (other === undefined) settings.set(slotOfLink(setting), setting);
      else if (other.value !== setting.value)
        problems.push({
          resource,
          reason: `another Interface sets ${setting.property} of ${spec.ifname} to ${other.value}`,
        });
    }
  }
  return {
    tunnels: tunnels
      .map(({ metadata: { name }, spec }) => ({
        name,
        mode: spec.mode,
        local: spec.local,
        remote: spec.remote,
        ttl: spec.ttl,
        key: spec.mode === 'gre' ? spec.key : undefined,
        mtu: spec.mtu,
      }))
      .toSorted(byText(({ name }) => name)),
    addresses: tunnels.flatMap(({ metadata, spec }) =>
      spec.address === undefined ? [] : [{ interface: metadata.name, address: spec.address }],
    ),
    settings: [...settings.values()].toSorted(byText(slotOfLink)),
    problems,
  };
}

/** What is not said is left as it is. */
function settingsOf({
  ifname,
  adminUp,
  mtu,
}: {
  readonly ifname: string;
  readonly adminUp?: boolean | undefined;
  readonly mtu?: number | undefined;
}): readonly LinkSetting[] {
  return [
    ...(adminUp === undefined ? [] : [{ name: ifname, property: 'admin', value: adminUp ? 'up' : 'down' } as const]),
    ...(mtu === undefined ? [] : [{ name: ifname, property: 'mtu', value: `${mtu}` } as const]),
  ];
}
