/** Tunnels of ours, and settings of links that are not ours to make. */
import type { HostOp, ObservedHost } from '../host-op.ts';
import { linkSettingOf, slotOfLink, slotOfTunnel, textOfTunnel } from '../host-slot.ts';
import { LINK_PROPERTIES, type LinkSetting, type TunnelState } from '../host-state.ts';
import type { Ownership } from '../ownership.ts';
import type { Changes } from './changes.ts';

/** A tunnel of another mode is another device: it is made anew, if it is ours to remove. */
export function diffTunnels(desired: readonly TunnelState[], observed: ObservedHost, ownership: Ownership): Changes {
  const wanted = new Set(desired.map(({ name }) => name));
  return {
    add: desired.flatMap((tunnel): readonly HostOp[] => {
      const present = observed.tunnels.find(({ name }) => name === tunnel.name);
      const create = { verb: 'tunnel-create', tunnel } as const;
      if (present === undefined) return [create];
      if (present.mode !== tunnel.mode)
        return ownership.has(slotOfTunnel(tunnel.name))
          ? [{ verb: 'tunnel-remove', name: tunnel.name }, create]
          : [create];
      const link = observed.links.find(({ name }) => name === tunnel.name);
      const settled = textOfTunnel(present) === textOfTunnel(tunnel) && link?.up === true && link.mtu === tunnel.mtu;
      return settled ? [] : [{ verb: 'tunnel-change', tunnel }];
    }),
    remove: observed.tunnels
      .filter(({ name }) => !wanted.has(name) && ownership.has(slotOfTunnel(name)))
      .map(({ name }) => ({ verb: 'tunnel-remove', name })),
  };
}

/** A link that does not exist is not wanted: it comes with a link event, which leads here again. What takes a link down comes last. */
export function diffLinks(desired: readonly LinkSetting[], observed: ObservedHost, ownership: Ownership): Changes {
  const links = new Map(observed.links.map((link) => [link.name, link]));
  const changes = desired.flatMap((setting) => {
    const link = links.get(setting.name);
    if (link === undefined) return [];
    const prior = linkSettingOf(link, setting.property);
    return prior === setting.value ? [] : [{ verb: 'link-set', setting, prior } as const];
  });
  const wanted = new Set(desired.map(slotOfLink));
  const restores = observed.links.flatMap(({ name }) =>
    LINK_PROPERTIES.flatMap((property) => {
      const slot = slotOfLink({ name, property });
      const value = ownership.get(slot)?.priorValue;
      if (wanted.has(slot) || value === undefined) return [];
      return [{ verb: 'link-restore', setting: { name, property, value } } as const];
    }),
  );
  const goesDown = ({ setting }: (typeof changes)[number]): boolean => setting.value === 'down';
  return {
    add: changes.filter((op) => !goesDown(op)),
    remove: [...changes.filter(goesDown), ...restores],
  };
}
