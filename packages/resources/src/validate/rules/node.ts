/** What one node declares once: its group and peers, its interfaces and ports, its policies. */
import type { Problem } from '../../diagnostic.ts';
import { parseNodeName } from '../../node-name.ts';
import type { ResourceOf } from '../../resource.ts';
import { interfaceName } from '../../scalars.ts';
import { earlierThan, type ResourceIndex } from '../resource-index.ts';
import { errorAt, rule, type Rule } from '../rule.ts';

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
  const [first] = earlierThan(index, group, 'EventGroup');
  if (first === undefined || index.ofKind('MobilityPool').length === 0) return;
  yield errorAt(['metadata', 'name'], {
    code: 'group.several',
    message: `EventGroup/${first.metadata.name} is declared already; a node with a MobilityPool has exactly one EventGroup.`,
  });
}

function* eventPeer(peer: ResourceOf<'EventPeer'>, index: ResourceIndex): Iterable<Problem> {
  const { groupRef, nodeName, publicKey } = peer.spec;
  if (index.get('EventGroup', groupRef)?.spec.nodeName === nodeName) {
    yield errorAt(['spec', 'nodeName'], {
      code: 'event-peer.self',
      message: `"${nodeName}" is this node itself (EventGroup/${groupRef}); an EventPeer is another node.`,
    });
  }
  const others = earlierThan(index, peer, 'EventPeer').filter(({ spec }) => spec.groupRef === groupRef);
  const sameNode = others.find(({ spec }) => spec.nodeName === nodeName);
  if (sameNode !== undefined) {
    yield errorAt(['spec', 'nodeName'], {
      code: 'event-peer.node-twice',
      message: `EventPeer/${sameNode.metadata.name} declares "${nodeName}" already; a node has one EventPeer in a group.`,
    });
  }
  const sameKey = others.find(({ spec }) => spec.publicKey === publicKey);
  if (sameKey !== undefined) {
    yield errorAt(['spec', 'publicKey'], {
      code: 'event-peer.key-twice',
      message: `EventPeer/${sameKey.metadata.name} ("${sameKey.spec.nodeName}") has this publicKey already; each node signs with its own key.`,
    });
  }
}

function* interfaceOnce(link: ResourceOf<'Interface'>, index: ResourceIndex): Iterable<Problem> {
  const twin = earlierThan(index, link, 'Interface').find(({ spec }) => spec.ifname === link.spec.ifname);
  if (twin === undefined) return;
  yield errorAt(['spec', 'ifname'], {
    code: 'interface.twice',
    message: `Interface/${twin.metadata.name} declares ifname "${link.spec.ifname}" already.`,
  });
}

function* wireGuardInterface(link: ResourceOf<'WireGuardInterface'>, index: ResourceIndex): Iterable<Problem> {
  const { name } = link.metadata;
  if (!interfaceName.safeParse(name).success) {
    yield errorAt(['metadata', 'name'], {
      code: 'wireguard.name',
      message: `"${name}" cannot be an interface of the kernel; expected 1 to 15 characters without space, "/" or ":".`,
    });
  }
  const rival = earlierThan(index, link, 'WireGuardInterface').find(
    ({ spec }) => spec.listenPort === link.spec.listenPort,
  );
  if (rival === undefined) return;
  yield errorAt(['spec', 'listenPort'], {
    code: 'wireguard.port-twice',
    message: `WireGuardInterface/${rival.metadata.name} listens on UDP port ${link.spec.listenPort} already; each interface needs its own port.`,
  });
}

/** The gates read the one policy of a provider: a second one would make the answer depend on order. */
function* policiesApart(policy: ResourceOf<'ProviderActionPolicy'>, index: ResourceIndex): Iterable<Problem> {
  for (const other of earlierThan(index, policy, 'ProviderActionPolicy')) {
    for (const [position, provider] of policy.spec.allowedProviders.entries()) {
      if (!other.spec.allowedProviders.includes(provider)) continue;
      yield errorAt(['spec', 'allowedProviders', position], {
        code: 'policy.overlap',
        message: `ProviderActionPolicy/${other.metadata.name} is the policy for ${provider} already; a provider has one policy.`,
      });
    }
  }
}

export const nodeRules: readonly Rule[] = [
  rule('EventGroup', eventGroup, { brokenBy: ['MobilityPool', 'EventGroup'] }),
  rule('EventPeer', eventPeer, { brokenBy: ['EventPeer', 'EventGroup'] }),
  rule('Interface', interfaceOnce, { brokenBy: ['Interface'] }),
  rule('WireGuardInterface', wireGuardInterface, { brokenBy: ['WireGuardInterface'] }),
  rule('ProviderActionPolicy', policiesApart, { brokenBy: ['ProviderActionPolicy'] }),
];
