import { changed, extended, ONPREM } from '../configurations.ts';
import type { InvalidCase } from './case.ts';

const pool = (name: string, prefix: string): string =>
  `apiVersion: mobility.routerd.net/v1alpha1\nkind: MobilityPool\nmetadata:\n  name: ${name}\nspec:\n  prefix: ${prefix}\n  groupRef: fleet\n  members:\n    - nodeRef: onprem-a\n      site: onprem\n      role: onprem\n      capture: {type: proxy-arp, interface: lan0}\n`;
const member = (lines: string): string => changed(ONPREM, '    - nodeRef: aws-a\n', `${lines}    - nodeRef: aws-a\n`);

export const poolCases: readonly InvalidCase[] = [
  {
    title: 'a node that is listed twice',
    text: member(
      '    - nodeRef: onprem-a\n      site: onprem\n      role: onprem\n      capture: {type: proxy-arp, interface: lan0}\n',
    ),
    codes: ['pool.member-twice'],
  },
  {
    title: 'a cloud member that captures by proxy ARP',
    text: changed(ONPREM, 'role: onprem\n      capture:', 'role: cloud\n      capture:'),
    codes: ['pool.capture-of-role', 'pool.static-owner-role'],
  },
  {
    title: 'an on-premises member with a placement group',
    text: changed(
      ONPREM,
      '      staticOwnedAddresses:',
      '      placement:\n        group: lan\n      staticOwnedAddresses:',
    ),
    codes: ['pool.group-of-onprem'],
  },
  {
    title: 'a cloud site whose members have no group',
    text: changed(
      changed(ONPREM, '      placement:\n        group: aws-edge\n        priority: 10\n', ''),
      '      placement:\n        group: aws-edge\n        priority: 20\n',
      '',
    ),
    codes: ['pool.site-without-group'],
  },
  {
    title: 'a cloud site with two groups',
    text: changed(ONPREM, 'group: aws-edge\n        priority: 20', 'group: aws-other'),
    codes: ['pool.site-without-group'],
  },
  {
    title: 'a priority without a group',
    text: changed(ONPREM, 'group: aws-edge\n        priority: 20', 'priority: 20'),
    codes: ['pool.priority-without-group', 'pool.site-without-group'],
  },
  {
    title: 'a drain without a group',
    text: changed(
      changed(ONPREM, 'nodeRef: aws-b\n      site: aws\n', 'nodeRef: aws-b\n      site: aws-2\n'),
      '      placement:\n        group: aws-edge\n        priority: 20\n',
      '      maintenance:\n        drain: true\n',
    ),
    codes: ['pool.drain-without-group'],
  },
  {
    title: 'a group over two sites',
    text: changed(ONPREM, 'nodeRef: aws-b\n      site: aws\n', 'nodeRef: aws-b\n      site: aws-2\n'),
    codes: ['pool.group-differs'],
  },
  {
    title: 'a group over two providers',
    text: changed(
      ONPREM,
      'providerRef: aws\n        providerMode: eni-secondary-ip\n        nicRef: eni-0b',
      'providerRef: aws-2\n        providerMode: eni-secondary-ip\n        nicRef: eni-0b',
    ),
    codes: ['pool.group-differs'],
  },
  {
    title: 'a site of two roles',
    text: changed(ONPREM, 'nodeRef: onprem-a\n      site: onprem', 'nodeRef: onprem-a\n      site: aws'),
    codes: ['pool.site-of-two-roles', 'pool.site-of-two-roles'],
  },
  {
    title: 'two LAN routers on differently named interfaces',
    text: member(
      '    - nodeRef: onprem-b\n      site: onprem\n      role: onprem\n      capture: {type: proxy-arp, interface: eth1}\n',
    ),
    codes: ['pool.member-without-event-peer', 'pool.site-of-two-segments'],
  },
  {
    title: 'a static address outside the prefix',
    text: changed(ONPREM, '- 10.77.60.10/32', '- 10.77.61.10/32'),
    codes: ['pool.static-address-outside'],
  },
  {
    title: 'an exclusion outside the prefix',
    text: changed(
      ONPREM,
      '  prefix: 10.77.60.0/24\n',
      '  prefix: 10.77.60.0/24\n  excludedAddresses: [10.77.61.0/29]\n',
    ),
    codes: ['pool.excluded-outside'],
  },
  {
    title: 'a static address that the pool excludes',
    text: changed(
      ONPREM,
      '  prefix: 10.77.60.0/24\n',
      '  prefix: 10.77.60.0/24\n  excludedAddresses: [10.77.60.8/29]\n',
    ),
    codes: ['pool.static-address-excluded'],
  },
  {
    title: 'a static address twice',
    text: changed(ONPREM, '- 10.77.60.10/32', '- 10.77.60.10/32\n        - 10.77.60.10/32'),
    codes: ['pool.static-address-twice'],
  },
  {
    title: 'a static address of a cloud member',
    text: changed(
      ONPREM,
      '        nicRef: eni-0a\n',
      '        nicRef: eni-0a\n      staticOwnedAddresses: [10.77.60.11/32]\n',
    ),
    codes: ['pool.static-owner-role'],
  },
  {
    title: 'a lease that lasts no time',
    text: changed(ONPREM, '  members:', '  leasePolicy: {ttl: 0s}\n  members:'),
    codes: ['pool.ttl-zero'],
  },
  {
    title: 'a pool with a name for people',
    text: changed(
      ONPREM,
      'kind: MobilityPool\nmetadata:\n  name: demo',
      'kind: MobilityPool\nmetadata:\n  name: Demo.Pool',
    ),
    codes: ['pool.name'],
  },
  {
    title: 'a default route as the prefix',
    text: changed(ONPREM, 'prefix: 10.77.60.0/24', 'prefix: 0.0.0.0/0'),
    codes: ['prefix.default-route'],
  },
  {
    title: 'a link-local prefix',
    text: changed(
      changed(ONPREM, 'prefix: 10.77.60.0/24', 'prefix: 169.254.8.0/24'),
      '- 10.77.60.10/32',
      '- 169.254.8.10/32',
    ),
    codes: ['wireguard.pool-not-allowed', 'prefix.reserved-range'],
  },
  {
    title: 'two pools that overlap',
    text: extended(ONPREM, pool('second', '10.77.60.128/25')),
    codes: ['pool.overlap'],
  },
  {
    title: 'a node that is not a member',
    text: changed(ONPREM, 'nodeName: onprem-a', 'nodeName: onprem-z'),
    codes: ['pool.self-not-member', 'pool.member-without-event-peer'],
  },
  {
    title: 'a member without an EventPeer',
    text: changed(ONPREM, 'groupRef: fleet\n  nodeName: aws-a', 'groupRef: fleet\n  nodeName: aws-c'),
    codes: ['pool.member-without-event-peer'],
  },
  {
    title: 'a member that nothing delivers to',
    text: changed(ONPREM, 'nodeID: aws-b', 'nodeID: aws-c'),
    codes: ['pool.member-unreachable'],
  },
  {
    title: 'a group that does not exist',
    text: changed(ONPREM, '  groupRef: fleet\n  members:', '  groupRef: flet\n  members:'),
    codes: ['reference.unresolved'],
  },
  {
    title: 'two groups beside a pool',
    text: extended(
      ONPREM,
      'apiVersion: federation.routerd.net/v1alpha1\nkind: EventGroup\nmetadata:\n  name: other\nspec:\n  nodeName: onprem-a\n  servers: [tls://hub-2.example.net:4222]\n  identity: {seedFile: /etc/node.nk}\n',
    ),
    codes: ['group.several'],
  },
  {
    title: 'a delivery through a peer that does not exist',
    text: changed(
      ONPREM,
      '      staticOwnedAddresses:',
      '      delivery:\n        peerRef: to-aws-c\n      staticOwnedAddresses:',
    ),
    codes: ['reference.unresolved'],
  },
  {
    title: 'a VRRP gate',
    text: changed(
      ONPREM,
      'interface: lan0',
      'interface: lan0\n        activeWhen:\n          type: vrrp-master\n          virtualAddressRef: lan-vip',
    ),
    codes: ['reference.unresolved'],
  },
  {
    title: 'a gate that is reserved',
    text: changed(
      ONPREM,
      'interface: lan0',
      'interface: lan0\n        activeWhen:\n          type: capture-holder\n          captureKey: x',
    ),
    codes: ['capture.gate-reserved'],
  },
  {
    title: 'a capture interface that is not declared',
    text: changed(ONPREM, 'interface: lan0', 'interface: lan'),
    codes: ['reference.undeclared-interface'],
  },
  {
    title: 'a static handover to itself, of an address that another owns, twice, to nobody',
    text: changed(
      ONPREM,
      '  members:',
      '  staticHandovers:\n    - {address: 10.77.60.11/32, fromNodeRef: onprem-a, toNodeRef: onprem-a}\n    - {address: 10.77.60.10/32, fromNodeRef: aws-a, toNodeRef: aws-b}\n    - {address: 10.77.60.11/32, fromNodeRef: onprem-a, toNodeRef: aws-c}\n    - {address: 10.77.61.1/32, fromNodeRef: onprem-a, toNodeRef: aws-a}\n  members:',
    ),
    codes: [
      'pool.handover-node',
      'pool.handover-address',
      'pool.handover-node',
      'pool.handover-twice',
      'pool.handover-node',
      'pool.static-address-outside',
    ],
  },
  {
    title: 'an authority, an ownership policy and heartbeats of a pool',
    text: changed(
      ONPREM,
      '  members:',
      '  authority: {mode: static, nodeRef: onprem-a}\n  ipOwnershipPolicy: {type: centralized, autoFailover: true, heartbeatTTL: 30s}\n  members:',
    ),
    codes: ['field.replaced', 'field.replaced'],
  },
];
