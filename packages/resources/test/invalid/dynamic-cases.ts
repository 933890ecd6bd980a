import { changed, DYNAMIC, extended, HYBRID } from '../configurations.ts';
import type { InvalidCase } from './case.ts';

const plugin = (name: string, capability: string): string =>
  `apiVersion: plugin.routerd.net/v1alpha1\nkind: Plugin\nmetadata: {name: ${name}}\nspec: {executable: /bin/x, capabilities: [${capability}]}\n`;
const route = (name: string, destination: string): string =>
  `apiVersion: net.routerd.net/v1alpha1\nkind: IPv4Route\nmetadata: {name: ${name}}\nspec: {destination: ${destination}, device: lan0}\n`;
const tunnel = (name: string, rest: string): string =>
  `apiVersion: hybrid.routerd.net/v1alpha1\nkind: TunnelInterface\nmetadata: {name: ${name}}\nspec: {trustedUnderlay: true, ${rest}}\n`;

/** Dynamic configuration, plugins, and networks behind a peer. */
export const dynamicCases: readonly InvalidCase[] = [
  {
    title: 'a part written by hand',
    text: 'apiVersion: config.routerd.net/v1alpha1\nkind: DynamicConfigPart\nmetadata: {name: x}\nspec: {}\n',
    codes: ['kind.not-authored'],
  },
  {
    title: 'a directive written by hand',
    text: 'apiVersion: config.routerd.net/v1alpha1\nkind: DynamicConfigDirective\nop: mask\n',
    codes: ['kind.not-authored'],
  },
  {
    title: 'a lease written by hand',
    text: 'apiVersion: mobility.routerd.net/v1alpha1\nkind: AddressLease\nmetadata: {name: x}\nspec: {}\n',
    codes: ['kind.not-authored'],
  },
  {
    title: 'a grant to every source',
    text: changed(DYNAMIC, 'source: Plugin/inventory', 'source: Plugin/*'),
    codes: ['field.malformed'],
  },
  {
    title: 'a grant for every name',
    text: changed(DYNAMIC, '  name: fallback\n---', '  name: fall*\n---'),
    codes: ['field.malformed'],
  },
  {
    title: 'a grant for something other than masking',
    text: changed(DYNAMIC, 'operations: [mask]', 'operations: [delete]'),
    codes: ['field.not-allowed'],
  },
  {
    title: 'a policy without grants',
    text: 'apiVersion: config.routerd.net/v1alpha1\nkind: DynamicOverridePolicy\nmetadata: {name: x}\nspec: {allow: []}\n',
    codes: ['field.out-of-range'],
  },
  {
    title: 'a grant for a kind that does not exist',
    text: changed(DYNAMIC, 'kind: IPv4Route\n          name', 'kind: IPv4Ruote\n          name'),
    codes: ['reference.no-such-kind'],
  },
  {
    title: 'a grant for a kind under another group',
    text: changed(
      DYNAMIC,
      '- apiVersion: net.routerd.net/v1alpha1\n          kind: IPv4Route',
      '- apiVersion: hybrid.routerd.net/v1alpha1\n          kind: IPv4Route',
    ),
    codes: ['reference.no-such-kind'],
  },
  {
    title: 'a grant for a resource that is not declared',
    text: changed(DYNAMIC, '  name: fallback\n---', '  name: fallbac\n---'),
    codes: ['reference.undeclared'],
  },
  {
    title: 'a grant to a plugin that is not declared',
    text: changed(DYNAMIC, 'source: Plugin/inventory', 'source: Plugin/inventroy'),
    codes: ['reference.undeclared'],
  },
  {
    title: 'a grant to what gives no parts',
    text: changed(DYNAMIC, 'source: Plugin/inventory', 'source: Interface/lan'),
    codes: ['reference.undeclared'],
  },
  {
    title: 'a source whose plugin does not exist',
    text: changed(DYNAMIC, 'pluginRef: Plugin/inventory', 'pluginRef: Plugin/inventry'),
    codes: ['reference.unresolved'],
  },
  {
    title: 'a source whose plugin is an executor',
    text: changed(
      extended(DYNAMIC, plugin('executor', 'execute.providerAction')),
      'pluginRef: Plugin/inventory',
      'pluginRef: executor',
    ),
    codes: ['plugin.capability'],
  },
  {
    title: 'results that count for no time',
    text: changed(DYNAMIC, 'ttl: 30m', 'ttl: 0s'),
    codes: ['field.invalid'],
  },
  {
    title: 'a merge policy that overwrites',
    text: changed(DYNAMIC, 'ttl: 30m', 'ttl: 30m\n  mergePolicy: {conflict: overwrite}'),
    codes: ['field.not-allowed'],
  },
  {
    title: 'an interval without a length',
    text: changed(DYNAMIC, '- {type: interval, every: 5m}', '- {type: interval}'),
    codes: ['field.missing'],
  },
  {
    title: 'a trigger of another type',
    text: changed(DYNAMIC, '- {type: interval, every: 5m}', '- {type: cron, every: 5m}'),
    codes: ['field.not-allowed'],
  },
  {
    title: 'events that are followed without an interval',
    text: changed(DYNAMIC, '- {type: interval, every: 5m}', '- {type: follow}'),
    codes: ['plugin.follow-alone'],
  },
  {
    title: 'a source that follows events without an interval',
    text: changed(DYNAMIC, 'ttl: 30m', 'ttl: 30m\n  triggers: [{type: follow}]'),
    codes: ['plugin.follow-alone'],
  },
  {
    title: 'an executor that is to observe',
    text: changed(DYNAMIC, '    - observe.cloud\n    - propose.dynamicConfig\n', '    - execute.providerAction\n'),
    codes: ['plugin.capability', 'plugin.capability', 'plugin.capability'],
  },
  {
    title: 'a plugin that is shown what is not declared',
    text: changed(DYNAMIC, 'name: oci\n  triggers', 'name: ocl\n  triggers'),
    codes: ['reference.undeclared'],
  },
  {
    title: 'a subscription to no type of fact',
    text: changed(DYNAMIC, 'types: [routerd.client.ipv4.observed]', 'types: []'),
    codes: ['field.out-of-range'],
  },
  {
    title: 'a subscription to a node that nobody hears',
    text: changed(DYNAMIC, 'sourceNodes: [cloud-a]', 'sourceNodes: [cloud-b]'),
    codes: ['subscription.unknown-node'],
  },
  {
    title: 'a subscription in a group that does not exist',
    text: changed(DYNAMIC, 'groupRef: EventGroup/fleet\n  match', 'groupRef: EventGroup/feet\n  match'),
    codes: ['reference.unresolved'],
  },
  {
    title: 'a default route behind a peer',
    text: changed(HYBRID, '- 10.20.0.0/16', '- 0.0.0.0/0'),
    codes: ['prefix.default-route'],
  },
  {
    title: 'a network behind a peer that does not exist',
    text: changed(HYBRID, 'peerRef: OverlayPeer/cloud', 'peerRef: OverlayPeer/clown'),
    codes: ['reference.unresolved'],
  },
  {
    title: 'a part of a pool behind a peer',
    text: extended(
      HYBRID,
      'apiVersion: mobility.routerd.net/v1alpha1\nkind: MobilityPool\nmetadata: {name: p}\nspec:\n  prefix: 10.20.0.0/16\n  groupRef: fleet\n  members:\n    - {nodeRef: a, site: a, role: onprem, capture: {type: proxy-arp, interface: lan0}}\n---\napiVersion: federation.routerd.net/v1alpha1\nkind: EventGroup\nmetadata: {name: fleet}\nspec: {nodeName: a, servers: [nats://h:4222], identity: {seedFile: /n.nk}}\n---\napiVersion: net.routerd.net/v1alpha1\nkind: Interface\nmetadata: {name: lan}\nspec: {ifname: lan0}\n',
    ),
    codes: ['hybrid-route.inside-pool'],
  },
  {
    title: 'one network behind two peers',
    text: extended(
      HYBRID,
      'apiVersion: hybrid.routerd.net/v1alpha1\nkind: HybridRoute\nmetadata: {name: again}\nspec: {destinationCIDRs: [10.20.0.0/16, 10.21.0.0/16, 10.21.0.0/16], peerRef: cloud}\n',
    ),
    codes: ['hybrid-route.twice', 'hybrid-route.twice'],
  },
  {
    title: 'a network behind a peer that has a route already',
    text: extended(HYBRID, route('other', '10.20.0.0/16')),
    codes: ['hybrid-route.twice'],
  },
  {
    title: 'a route with the name that a HybridRoute gives',
    text: extended(HYBRID, route('office-10-20-0-0-16', '10.99.0.0/16')),
    codes: ['hybrid-route.name-taken'],
  },
  {
    title: 'a network that contains the end of its own tunnel',
    text: changed(HYBRID, '- 10.20.0.0/16', '- 192.0.0.0/16'),
    codes: ['hybrid-route.covers-endpoint'],
  },
  {
    title: 'a routing table of its own',
    text: changed(HYBRID, 'peerRef: OverlayPeer/cloud', 'peerRef: OverlayPeer/cloud\n  install: {table: "100"}'),
    codes: ['field.not-allowed'],
  },
  {
    title: 'a tunnel over a network that nobody trusts',
    text: changed(HYBRID, 'trustedUnderlay: true', 'trustedUnderlay: false'),
    codes: ['field.not-allowed'],
  },
  {
    title: 'a key of a tunnel that has none',
    text: changed(HYBRID, 'mode: gre', 'mode: ipip'),
    codes: ['field.unknown'],
  },
  {
    title: 'a tunnel of another mode than the peer says',
    text: changed(HYBRID, 'type: gre', 'type: ipip'),
    codes: ['overlay.type-differs'],
  },
  {
    title: 'a tunnel from an address to itself',
    text: changed(HYBRID, 'remote: 192.0.2.2', 'remote: 192.0.2.1'),
    codes: ['tunnel.same-ends'],
  },
  {
    title: 'a tunnel to the metadata service',
    text: changed(HYBRID, 'remote: 192.0.2.2', 'remote: 169.254.169.254'),
    codes: ['overlay.reserved-range'],
  },
  {
    title: 'two tunnels between the same ends',
    text: extended(HYBRID, tunnel('gre-2', 'mode: gre, local: 192.0.2.1, remote: 192.0.2.2, key: 7')),
    codes: ['tunnel.twice'],
  },
  {
    title: 'a tunnel with the name of another',
    text: extended(
      HYBRID,
      'apiVersion: net.routerd.net/v1alpha1\nkind: WireGuardInterface\nmetadata: {name: gre-cloud}\nspec: {privateKeyFile: /k, listenPort: 51820}\n',
    ),
    codes: ['tunnel.twice'],
  },
  {
    title: 'a tunnel with a name that the kernel refuses',
    text: extended(HYBRID, tunnel('gre-to-azure-west-europe', 'mode: ipip, local: 192.0.2.1, remote: 192.0.2.9')),
    codes: ['tunnel.name'],
  },
];
