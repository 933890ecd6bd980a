/** IPIP and GRE tunnels. */
import type { Problem } from '../../diagnostic.ts';
import type { ResourceOf } from '../../resource.ts';
import { INTERFACE_NAME_LETTERS, interfaceName } from '../../scalars.ts';
import { firstByKey, type ResourceIndex } from '../resource-index.ts';
import { errorAt, rule, type Rule } from '../rule.ts';
import { tunnelEndsOutsidePools } from './overlay.ts';

type Tunnel = ResourceOf<'TunnelInterface'>;

/** The kernel tells tunnels of one mode apart by their ends, and GRE by the key too. */
function endsOf({ spec }: Tunnel): string {
  const key = spec.mode === 'gre' && spec.key !== undefined ? ` key ${spec.key}` : '';
  return `${spec.mode} ${spec.local} ${spec.remote}${key}`;
}

const tunnelBetween = firstByKey('TunnelInterface', (tunnel) => [endsOf(tunnel)]);

function* tunnelItself(tunnel: Tunnel, index: ResourceIndex): Iterable<Problem> {
  const { name } = tunnel.metadata;
  if (!interfaceName.safeParse(name).success) {
    yield errorAt(['metadata', 'name'], {
      code: 'tunnel.name',
      message: `"${name}" cannot be an interface of the kernel; expected ${INTERFACE_NAME_LETTERS}.`,
    });
  }
  if (index.get('WireGuardInterface', name) !== undefined) {
    yield errorAt(['metadata', 'name'], {
      code: 'tunnel.twice',
      message: `WireGuardInterface/${name} is an interface of that name already.`,
    });
  }
  const { local, remote } = tunnel.spec;
  if (local === remote) {
    yield errorAt(['spec', 'remote'], {
      code: 'tunnel.same-ends',
      message: `The tunnel begins and ends at ${local}; expected the address of the other router.`,
    });
  }
  const twin = tunnelBetween(index).get(endsOf(tunnel));
  if (twin !== undefined && twin !== tunnel) {
    yield errorAt(['spec', 'remote'], {
      code: 'tunnel.twice',
      message: `TunnelInterface/${twin.metadata.name} is the ${tunnel.spec.mode} tunnel from ${local} to ${remote} already.`,
      ...(tunnel.spec.mode === 'gre' ? { remedy: 'Give the two different keys.' } : {}),
    });
  }
  yield* tunnelEndsOutsidePools(tunnel, index);
}

export const tunnelRules: readonly Rule[] = [
  rule('TunnelInterface', tunnelItself, { brokenBy: ['TunnelInterface', 'WireGuardInterface', 'MobilityPool'] }),
];
