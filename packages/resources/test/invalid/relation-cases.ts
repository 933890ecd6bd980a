import { changed, extended, ONPREM, STATIC_PAIR } from '../configurations.ts';
import type { InvalidCase } from './case.ts';

const claim = (name: string, address: string): string =>
  `apiVersion: hybrid.routerd.net/v1alpha1\nkind: RemoteAddressClaim\nmetadata:\n  name: ${name}\nspec:\n  domainRef: demo\n  address: ${address}\n  ownerSide: onprem\n  capture:\n    type: proxy-arp\n    interface: lan0\n  delivery:\n    peerRef: onprem\n`;
const route = (kind: string): string =>
  `apiVersion: hybrid.routerd.net/v1alpha1\nkind: OverlayPeer\nmetadata:\n  name: other\nspec:\n  role: cloud\n  nodeID: azure-a\n  underlay:\n    type: ${kind}\n    interface: tun0\n`;

export const relationCases: readonly InvalidCase[] = [
  {
    title: 'a claim outside its domain',
    text: changed(STATIC_PAIR, 'address: 10.77.60.9/32', 'address: 10.77.61.9/32'),
    codes: ['claim.address-outside'],
  },
  {
    title: 'a claim for a domain that does not exist',
    text: changed(STATIC_PAIR, 'domainRef: demo', 'domainRef: dmeo'),
    codes: ['reference.unresolved'],
  },
  {
    title: 'a claim through a peer that does not exist',
    text: changed(STATIC_PAIR, '    peerRef: onprem', '    peerRef: azure'),
    codes: ['reference.unresolved'],
  },
  {
    title: 'a claim at a provider that does not exist',
    text: changed(STATIC_PAIR, '    providerRef: aws', '    providerRef: oci'),
    codes: ['reference.unresolved'],
  },
  {
    title: 'a mode that the profile does not have',
    text: changed(STATIC_PAIR, 'providerMode: eni-secondary-ip', 'providerMode: vnic-secondary-ip'),
    codes: ['capture.mode-not-a-capability'],
  },
  {
    title: 'two claims for one address',
    text: extended(
      extended(STATIC_PAIR, claim('twin', '10.77.60.9/32')),
      'apiVersion: net.routerd.net/v1alpha1\nkind: Interface\nmetadata: {name: lan}\nspec: {ifname: lan0}\n',
    ),
    codes: ['claim.address-twice'],
  },
  {
    title: 'a claim on an interface that is not declared',
    text: extended(STATIC_PAIR, claim('scanner', '10.77.60.8/32')),
    codes: ['reference.undeclared-interface'],
  },
  {
    title: 'a claim with a VRRP gate',
    text: changed(
      STATIC_PAIR,
      'nicRef: eni-0a',
      'nicRef: eni-0a\n    activeWhen: {type: vrrp-master, virtualAddressRef: VirtualAddress/lan}',
    ),
    codes: ['reference.unresolved'],
  },
  {
    title: 'a claim with a gate of derived claims',
    text: changed(
      STATIC_PAIR,
      'nicRef: eni-0a',
      'nicRef: eni-0a\n    activeWhen: {type: capture-holder, captureKey: k}',
    ),
    codes: ['capture.gate-reserved'],
  },
  {
    title: 'a domain whose peer does not exist',
    text: changed(STATIC_PAIR, 'peerRef: OverlayPeer/onprem', 'peerRef: OverlayPeer/on-prem'),
    codes: ['reference.unresolved'],
  },
  {
    title: 'a domain of everything',
    text: changed(STATIC_PAIR, '  prefix: 10.77.60.0/24', '  prefix: 0.0.0.0/0'),
    codes: ['prefix.default-route'],
  },
  {
    title: 'a policy for a profile that does not exist',
    text: changed(STATIC_PAIR, '    - aws\n  allowedCIDRs', '    - gcp\n  allowedCIDRs'),
    codes: ['reference.unresolved'],
  },
  {
    title: 'takeovers that wait for a person',
    text: extended(
      ONPREM.replace('nodeName: onprem-a', 'nodeName: aws-b').replace(
        'nodeName: aws-b\n  publicKey',
        'nodeName: onprem-a\n  publicKey',
      ),
      changed(
        STATIC_PAIR.split('---\n').slice(0, 2).join('---\n'),
        'enabled: true',
        'enabled: true\n  dryRunOnly: false',
      ),
    ),
    codes: ['pool.member-unreachable', 'policy.failover-waits'],
  },
  {
    title: 'an EventPeer of this node itself',
    text: changed(ONPREM, 'groupRef: fleet\n  nodeName: aws-a', 'groupRef: fleet\n  nodeName: onprem-a'),
    codes: ['event-peer.self', 'pool.member-without-event-peer'],
  },
  {
    title: 'two EventPeers of one node',
    text: changed(
      ONPREM,
      'groupRef: EventGroup/fleet\n  nodeName: aws-b',
      'groupRef: EventGroup/fleet\n  nodeName: aws-a',
    ),
    codes: ['event-peer.node-twice', 'pool.member-without-event-peer'],
  },
  {
    title: 'two nodes with one key',
    text: changed(
      ONPREM,
      'UBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBB',
      'UAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA',
    ),
    codes: ['event-peer.key-twice'],
  },
  {
    title: 'an EventPeer of a group that does not exist',
    text: changed(ONPREM, 'groupRef: EventGroup/fleet', 'groupRef: EventGroup/feet'),
    codes: ['reference.unresolved', 'pool.member-without-event-peer'],
  },
  {
    title: 'a heartbeat slower than death',
    text: changed(ONPREM, '  servers:', '  heartbeat: {interval: 5s}\n  servers:'),
    codes: ['group.heartbeat'],
  },
  {
    title: 'a client with the settings of a hub',
    text: changed(
      ONPREM,
      '  nodeName: onprem-a\n',
      '  nodeName: onprem-a\n  server: managed\n  listen: {address: 192.0.2.1, port: 4222}\n',
    ),
    codes: ['group.hub', 'group.hub'],
  },
  {
    title: 'a hub that is told nothing',
    text: changed(ONPREM, '  nodeName: onprem-a\n', '  nodeName: onprem-a\n  role: hub\n  server: managed\n'),
    codes: ['group.hub', 'group.hub'],
  },
  { title: 'a group with a dot in its name', text: ONPREM.replaceAll('fleet', 'the.fleet'), codes: ['group.name'] },
  {
    title: 'a tunnel address in the link-local range',
    text: changed(ONPREM, 'address: 10.255.0.1/32', 'address: 169.254.10.1/30'),
    codes: ['overlay.reserved-range'],
  },
  {
    title: 'a tunnel address in the shared range',
    text: changed(ONPREM, 'address: 10.255.0.1/32', 'address: 100.64.0.1/32'),
    codes: ['overlay.reserved-range'],
  },
  {
    title: 'an underlay address in the shared range',
    text: changed(ONPREM, 'address: 10.255.0.2', 'address: 100.127.0.2'),
    codes: ['overlay.reserved-range'],
  },
  {
    title: 'a remote address in the shared range',
    text: changed(
      ONPREM,
      '    address: 10.255.0.2\n',
      '    address: 10.255.0.2\n  remote:\n    address: 100.100.1.1\n',
    ),
    codes: ['overlay.reserved-range'],
  },
  {
    title: 'an endpoint in the link-local range',
    text: changed(ONPREM, 'endpoint: 203.0.113.10:51820', 'endpoint: 169.254.169.254:51820'),
    codes: ['overlay.reserved-range'],
  },
  {
    title: 'a tunnel whose network overlaps the pool',
    text: changed(ONPREM, 'address: 10.255.0.1/32', 'address: 10.77.1.1/16'),
    codes: ['overlay.inside-pool'],
  },
  {
    title: 'an endpoint inside the pool',
    text: changed(ONPREM, 'endpoint: 203.0.113.10:51820', 'endpoint: 10.77.60.200:51820'),
    codes: ['overlay.inside-pool'],
  },
  {
    title: 'an underlay address inside the pool',
    text: changed(ONPREM, 'address: 10.255.0.2', 'address: 10.77.60.2'),
    codes: ['overlay.inside-pool'],
  },
  {
    title: 'a tunnel that is managed elsewhere',
    text: changed(ONPREM, 'interface: wg-aws-b', 'interface: wg-hybrid'),
    codes: ['overlay.managed-externally'],
  },
  { title: 'a GRE tunnel', text: extended(ONPREM, route('gre')), codes: ['reference.unresolved'] },
  {
    title: 'two peers for one node',
    text: changed(ONPREM, 'nodeID: aws-b', 'nodeID: aws-a'),
    codes: ['overlay.node-twice', 'pool.member-unreachable'],
  },
  {
    title: 'a tunnel that would drop what moves',
    text: changed(ONPREM, '    - 10.77.60.0/24\n    - 10.255', '    - 10.255'),
    codes: ['wireguard.pool-not-allowed'],
  },
  {
    title: 'two tunnels on one port',
    text: changed(ONPREM, 'listenPort: 51821', 'listenPort: 51820'),
    codes: ['wireguard.port-twice'],
  },
  {
    title: 'a tunnel with a name that is too long',
    text: extended(
      ONPREM,
      'apiVersion: net.routerd.net/v1alpha1\nkind: WireGuardInterface\nmetadata: {name: wg-to-azure-west-europe}\nspec: {privateKeyFile: /etc/wg.key, listenPort: 51900}\n',
    ),
    codes: ['wireguard.name'],
  },
  {
    title: 'a peer of a tunnel that does not exist',
    text: extended(
      ONPREM,
      'apiVersion: net.routerd.net/v1alpha1\nkind: WireGuardPeer\nmetadata: {name: x}\nspec:\n  interface: wg-aws-c\n  publicKey: BBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBA=\n  allowedIPs: [10.77.60.0/24]\n',
    ),
    codes: ['reference.unresolved'],
  },
  {
    title: 'one key for two peers of a tunnel',
    text: extended(
      ONPREM,
      'apiVersion: net.routerd.net/v1alpha1\nkind: WireGuardPeer\nmetadata: {name: x}\nspec:\n  interface: wg-aws-a\n  publicKey: AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n  allowedIPs: [10.77.60.0/24]\n',
    ),
    codes: ['wireguard.key-twice'],
  },
  {
    title: 'one interface twice',
    text: extended(
      ONPREM,
      'apiVersion: net.routerd.net/v1alpha1\nkind: Interface\nmetadata: {name: again}\nspec: {ifname: lan0}\n',
    ),
    codes: ['interface.twice'],
  },
  {
    title: 'an address on an interface that is not declared',
    text: changed(ONPREM, 'interface: wg-aws-a\n  address', 'interface: dummy0\n  address'),
    codes: ['reference.undeclared-interface'],
  },
  {
    title: 'a reference to something that is broken itself: only that is reported',
    text: changed(ONPREM, 'role: cloud\n  nodeID: aws-a', 'role: clowd\n  nodeID: aws-a'),
    codes: ['field.not-allowed'],
  },
  {
    title: 'hubs that are reached where they cannot be',
    text: changed(
      ONPREM,
      '    - tls://hub-1.example.net:4222\n',
      '    - tls://100.64.0.1:4222\n    - nats://10.77.60.5:4222\n    - tls://192.0.2.1:4222\n',
    ),
    codes: ['overlay.reserved-range', 'group.server-inside-pool'],
  },
  {
    title: 'deliveries to nobody, and to the same members twice',
    text: changed(
      ONPREM,
      '      staticOwnedAddresses:',
      '      deliveryTo:\n        - {site: aws, peerRef: to-aws-a}\n        - {site: aws, peerRef: to-aws-b}\n        - {nodeRef: aws-bb, peerRef: to-aws-b}\n      staticOwnedAddresses:',
    ),
    codes: ['delivery.twice', 'delivery.to-nobody'],
  },
];
