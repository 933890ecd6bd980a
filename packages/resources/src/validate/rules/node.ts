/** What one node declares once: its group and peers, its interfaces and ports, its policies. */
import type { Problem } from '../../diagnostic.ts';
import { parseNodeName } from '../../node-name.ts';
import type { ResourceOf } from '../../resource.ts';
import { INTERFACE_NAME_LETTERS, interfaceName } from '../../scalars.ts';
import { firstByKey, oncePerIndex, selfOf, type ResourceIndex } from '../resource-index.ts';
import { errorAt, rule, warningAt, type Rule } from '../rule.ts';
import { interfaceWithName } from './references.ts';

/** Beside a pool the group that is declared first is the one; undefined without a pool. */
const onlyGroup = oncePerIndex((index) =>
  index.ofKind('MobilityPool').length === 0 ? undefined : index.ofKind('EventGroup')[0],
);

function* eventGroup(group: ResourceOf<'EventGroup'>, index: ResourceIndex): Iterable<Problem> {
  const { heartbeat } = group.spec;
  if (!parseNodeName(group.metadata.name).ok) {
    yield errorAt(['metadata', 'name'], {
      code: 'group.name',
      message: `"${group.metadata.name}" is not a group name: it becomes part of message subjects, so only lower-case letters, digits and "-" (at most 63) are allowed.`,
    });
  }
  if (heartbeat.interval === 0 || heartbeat.deadAfter <= heartbeat.interval) {
    yield errorAt(['spec', 'heartbeat'], {
      code: 'group.heartbeat',
      message: 'heartbeat.interval must be more than 0s, and heartbeat.deadAfter more than the interval.',
      at: 'key',
    });
  }
  yield* hubComplete(group);
  const first = onlyGroup(index);
  if (first === undefined || first === group) return;
  yield errorAt(['metadata', 'name'], {
    code: 'group.several',
    message: `EventGroup/${first.metadata.name} is declared already; a node with a MobilityPool has exactly one EventGroup.`,
  });
}

/** What a hub needs and only a hub has. */
function* hubComplete({ spec }: ResourceOf<'EventGroup'>): Iterable<Problem> {
  const { role, server, listen, hub } = spec;
  if (role === 'client') {
    const superfluous = [
      ...(server === 'managed' ? ['server'] : []),
      ...(listen === undefined ? [] : ['listen']),
      ...(hub === undefined ? [] : ['hub']),
    ];
    for (const name of superfluous) {
      yield errorAt(['spec', name], {
        code: 'group.hub',
        message: `${name} is for the machine of a hub, and this node has role: client.`,
        remedy: 'Write role: hub, or remove it.',
        at: 'key',
      });
    }
    return;
  }
  const missing = [...(hub === undefined ? ['hub'] : []), ...(server === 'managed' && !listen ? ['listen'] : [])];
  for (const name of missing) {
    yield errorAt(['spec', 'role'], {
      code: 'group.hub',
      message: `This node is a hub${server === 'managed' ? ' whose server routerd runs' : ''}, and spec.${name} is missing.`,
    });
  }
}

const firstOfNode = firstByKey('EventPeer', ({ spec }) => [`${spec.groupRef} ${spec.nodeName}`]);
const firstOfKey = firstByKey('EventPeer', ({ spec: { groupRef, publicKey, nextPublicKey } }) =>
  [publicKey, ...(nextPublicKey === undefined ? [] : [nextPublicKey])].map((key) => `${groupRef} ${key}`),
);

function* eventPeer(peer: ResourceOf<'EventPeer'>, index: ResourceIndex): Iterable<Problem> {
  const { groupRef, nodeName } = peer.spec;
  if (index.get('EventGroup', groupRef)?.spec.nodeName === nodeName) {
    yield errorAt(['spec', 'nodeName'], {
      code: 'event-peer.self',
      message: `"${nodeName}" is this node itself (EventGroup/${groupRef}); an EventPeer is another node.`,
    });
  }
  const sameNode = firstOfNode(index).get(`${groupRef} ${nodeName}`);
  if (sameNode !== undefined && sameNode !== peer) {
    yield errorAt(['spec', 'nodeName'], {
      code: 'event-peer.node-twice',
      message: `EventPeer/${sameNode.metadata.name} declares "${nodeName}" already; a node has one EventPeer in a group.`,
    });
  }
  for (const field of ['publicKey', 'nextPublicKey'] as const) {
    const sameKey = firstOfKey(index).get(`${groupRef} ${peer.spec[field] ?? ''}`);
    if (sameKey === undefined || sameKey === peer) continue;
    yield errorAt(['spec', field], {
      code: 'event-peer.key-twice',
      message: `EventPeer/${sameKey.metadata.name} ("${sameKey.spec.nodeName}") has this publicKey already; each node signs with its own key.`,
    });
  }
}

function* interfaceOnce(link: ResourceOf<'Interface'>, index: ResourceIndex): Iterable<Problem> {
  const twin = interfaceWithName(index).get(link.spec.ifname);
  if (twin === undefined || twin === link) return;
  yield errorAt(['spec', 'ifname'], {
    code: 'interface.twice',
    message: `Interface/${twin.metadata.name} declares ifname "${link.spec.ifname}" already.`,
  });
}

const firstOnPort = firstByKey('WireGuardInterface', ({ spec }) => [String(spec.listenPort)]);

function* wireGuardInterface(link: ResourceOf<'WireGuardInterface'>, index: ResourceIndex): Iterable<Problem> {
  const { name } = link.metadata;
  if (!interfaceName.safeParse(name).success) {
    yield errorAt(['metadata', 'name'], {
      code: 'wireguard.name',
      message: `"${name}" cannot be an interface of the kernel; expected ${INTERFACE_NAME_LETTERS}.`,
    });
  }
  const rival = firstOnPort(index).get(String(link.spec.listenPort));
  if (rival === undefined || rival === link) return;
  yield errorAt(['spec', 'listenPort'], {
    code: 'wireguard.port-twice',
    message: `WireGuardInterface/${rival.metadata.name} listens on UDP port ${link.spec.listenPort} already; each interface needs its own port.`,
  });
}

/** Providers at which this node stands by for another: a dead router's captures are seized without anybody being asked. */
const failoverProviders = oncePerIndex((index) => {
  const providers = new Map<string, string>();
  for (const { metadata, spec } of index.ofKind('MobilityPool')) {
    const self = selfOf(index, spec.groupRef);
    const own = spec.members.find(({ nodeRef }) => nodeRef === self);
    const group = own?.placement?.group;
    if (own?.capture.type !== 'provider-secondary-ip' || group === undefined) continue;
    const profile = index.get('CloudProviderProfile', own.capture.providerRef);
    const others = spec.members.filter((member) => member.placement?.group === group).length - 1;
    if (profile !== undefined && others > 0) providers.set(profile.spec.provider, metadata.name);
  }
  return providers;
});

function* failoverWaits({ spec }: ResourceOf<'ProviderActionPolicy'>, index: ResourceIndex): Iterable<Problem> {
  if (!spec.enabled || spec.dryRunOnly || !spec.requireApproval) return;
  for (const provider of spec.allowedProviders) {
    const pool = failoverProviders(index).get(provider);
    if (pool === undefined) continue;
    yield warningAt(['spec', 'requireApproval'], {
      code: 'policy.failover-waits',
      message: `This node stands by for another router at ${provider} in MobilityPool/${pool}, and requireApproval makes each takeover wait for a person.`,
      remedy: 'Write requireApproval: false, or approve with routerctl action approve when a router has failed.',
    });
  }
}

export const nodeRules: readonly Rule[] = [
  rule('EventGroup', eventGroup, { brokenBy: ['MobilityPool', 'EventGroup'] }),
  rule('EventPeer', eventPeer, { brokenBy: ['EventPeer'] }),
  rule('Interface', interfaceOnce, { brokenBy: ['Interface'] }),
  rule('WireGuardInterface', wireGuardInterface, { brokenBy: ['WireGuardInterface'] }),
  rule('ProviderActionPolicy', failoverWaits),
];
