import { changed, extended, HYBRID, NET, ONPREM, STATIC_PAIR } from '../configurations.ts';
import type { InvalidCase } from './case.ts';

const net = (kind: string, name: string, spec: string, group = 'net'): string =>
  `apiVersion: ${group}.routerd.net/v1alpha1\nkind: ${kind}\nmetadata: {name: ${name}}\nspec: {${spec}}\n`;

/** Addresses of routers, checks, zones, translation and kernel settings. */
export const netCases: readonly InvalidCase[] = [
  {
    title: 'a shared address with a network',
    text: changed(NET, 'address: 10.77.60.1/32', 'address: 10.77.60.1/24'),
    codes: ['field.invalid'],
  },
  {
    title: 'a shared IPv6 address',
    text: changed(NET, 'address: 10.77.60.1/32', 'family: ipv6\n  address: 10.77.60.1/32'),
    codes: ['field.not-allowed'],
  },
  {
    title: 'an address from elsewhere',
    text: changed(NET, 'address: 10.77.60.1/32', 'addressFrom: {interface: lan0}'),
    codes: ['field.missing', 'field.replaced'],
  },
  {
    title: 'VRRP without settings',
    text: extended(NET, net('VirtualAddress', 'v', 'interface: lan0, address: 10.9.0.1/32, mode: vrrp')),
    codes: ['field.missing'],
  },
  {
    title: 'a static address with VRRP settings',
    text: changed(NET, 'mode: vrrp', 'mode: static'),
    codes: ['field.invalid'],
  },
  {
    title: 'a router id that is out of range, a delay and no peers',
    text: changed(NET, 'virtualRouterID: 60', 'virtualRouterID: 256\n    preemptDelay: 3s').replace(
      'peers: [10.77.60.3]',
      'peers: []',
    ),
    codes: ['field.out-of-range', 'field.replaced', 'field.out-of-range'],
  },
  {
    title: 'advertisements too often',
    text: changed(NET, 'virtualRouterID: 60', 'virtualRouterID: 60\n    advertInterval: 50ms'),
    codes: ['field.invalid'],
  },
  {
    title: 'advertisements between hundredths of a second',
    text: changed(NET, 'virtualRouterID: 60', 'virtualRouterID: 60\n    advertInterval: 305ms'),
    codes: ['field.invalid'],
  },
  {
    title: 'advertisements between seconds, with a password',
    text: changed(
      NET,
      'virtualRouterID: 60',
      'virtualRouterID: 60\n    advertInterval: 300ms\n    authentication: {passwordFile: /etc/vrrp}',
    ),
    codes: ['field.invalid'],
  },
  {
    title: 'a shared address that follows a check and a link in one, and neither',
    text: changed(
      NET,
      'resource: HealthCheck/uplink',
      'resource: HealthCheck/uplink, interface: lan0, unhealthyPenalty: 5}\n    - {unhealthyPenalty: 5}\n    - {interface: lan9',
    ),
    codes: ['field.invalid', 'field.invalid'],
  },
  {
    title: 'a router id that is used twice',
    text: extended(
      NET,
      net(
        'VirtualAddress',
        'second',
        'interface: lan0, address: 10.77.60.2/32, mode: vrrp, vrrp: {virtualRouterID: 60, peers: [10.77.60.3]}',
      ),
    ),
    codes: ['virtual-address.vrid-twice'],
  },
  {
    title: 'an address that is shared twice',
    text: extended(NET, net('VirtualAddress', 'second', 'interface: lan0, address: 10.77.60.1/32')),
    codes: ['virtual-address.twice'],
  },
  {
    title: 'a shared address that follows a check that does not exist',
    text: changed(NET, 'resource: HealthCheck/uplink', 'resource: HealthCheck/downlink'),
    codes: ['reference.unresolved'],
  },
  {
    title: 'a gate that follows an address without a role',
    text: extended(
      extended(
        changed(
          STATIC_PAIR,
          'nicRef: eni-0a',
          'nicRef: eni-0a\n    activeWhen: {type: vrrp-master, virtualAddressRef: VirtualAddress/lan}',
        ),
        net('VirtualAddress', 'lan', 'interface: lan0, address: 10.77.60.1/32'),
      ),
      net('Interface', 'lan', 'ifname: lan0'),
    ),
    codes: ['capture.gate-without-role'],
  },
  {
    title: 'a shared address that the pool around it may move',
    text: extended(ONPREM, net('VirtualAddress', 'lan', 'interface: lan0, address: 10.77.60.1/32')),
    codes: ['pool.router-address-not-excluded'],
  },
  {
    title: 'a claim of the address of a router',
    text: changed(STATIC_PAIR, 'type: route\n', 'type: route\n    address: 10.77.60.9\n'),
    codes: ['capture.router-address'],
  },
  {
    title: 'a static address that is the router itself',
    text: extended(ONPREM, net('IPv4StaticAddress', 'lan', 'interface: lan0, address: 10.77.60.10/24')),
    codes: ['capture.router-address'],
  },
  {
    title: 'checks of no target, of a port that icmp lacks, without a port, and slower than their interval',
    text: [
      net('HealthCheck', 'a', 'targetSource: static'),
      net('HealthCheck', 'b', 'target: 192.0.2.1, port: 80'),
      net('HealthCheck', 'c', 'target: 192.0.2.1, protocol: tcp'),
      net('HealthCheck', 'd', 'target: 192.0.2.1, interval: 1s'),
      net('HealthCheck', 'e', 'target: 192.0.2.1, targetSource: defaultGateway'),
      net('HealthCheck', 'f', 'targetSource: dsliteRemote'),
    ].join('---\n'),
    codes: ['field.missing', 'field.invalid', 'field.missing', 'field.missing', 'field.invalid', 'field.not-allowed'],
  },
  {
    title: 'a zone without interfaces, with one twice, and called self',
    text: [
      net('FirewallZone', 'none', 'role: trust, interfaces: []', 'firewall'),
      net('FirewallZone', 'self', 'role: trust, interfaces: [a0, a0]', 'firewall'),
    ].join('---\n'),
    codes: ['field.out-of-range', 'zone.name', 'zone.interface-twice'],
  },
  {
    title: 'an interface in two zones',
    text: extended(NET, net('FirewallZone', 'dmz', 'role: untrust, interfaces: [wan0]', 'firewall')),
    codes: ['zone.interface-twice'],
  },
  {
    title: 'a rule between zones that do not exist',
    text: changed(NET, 'toZone: self', 'toZone: slef').replace('fromZone: FirewallZone/wan', 'fromZone: wann'),
    codes: ['reference.unresolved', 'reference.unresolved'],
  },
  {
    title: 'ports of a rule twice, of icmp, and an action that does not exist',
    text: [
      net('FirewallRule', 'a', 'action: accept, protocol: tcp, port: 22, destinationPorts: [23]', 'firewall'),
      net('FirewallRule', 'b', 'action: accept, protocol: icmp, port: 22', 'firewall'),
      net('FirewallRule', 'c', 'action: allow, sourceCIDRs: [10.0.0.0/8]', 'firewall'),
      net('FirewallRule', 'd', 'action: drop, connLimit: {maxPerSource: -1}', 'firewall'),
    ].join('---\n'),
    codes: ['field.invalid', 'field.invalid', 'field.not-allowed', 'field.replaced', 'field.out-of-range'],
  },
  {
    title: 'a translation in the old shape',
    text: net('NAT44Rule', 'old', 'type: masquerade, egressInterface: wan0, sourceRanges: [10.0.0.0/8]'),
    codes: ['field.missing', 'field.missing', 'field.missing', 'field.replaced', 'field.replaced', 'field.replaced'],
  },
  {
    title: 'a translation of mobile addresses into the overlay',
    text: extended(
      ONPREM,
      net(
        'NAT44Rule',
        'x',
        'outboundInterface: wg-aws-a, sourceCIDRs: [10.77.0.0/16], translation: {type: interfaceAddress}',
      ),
    ),
    codes: ['nat.translates-pool'],
  },
  {
    title: 'a range of ports that ends before it begins',
    text: changed(
      NET,
      'type: interfaceAddress',
      'type: interfaceAddress, portMapping: {type: range, from: 2000, to: 1000}',
    ),
    codes: ['field.invalid'],
  },
  {
    title: 'a kernel setting that is not one, has no effect, and compares text',
    text: [
      net('Sysctl', 'a', 'key: ip_forward, value: "1"', 'system'),
      net('Sysctl', 'b', 'key: net.ipv4.ip_forward, value: "1", runtime: false', 'system'),
      net('Sysctl', 'c', 'key: net.core.rmem_max, value: many, compare: atLeast', 'system'),
      net('Sysctl', 'd', 'key: net.core.rmem_max, value: 1', 'system'),
    ].join('---\n'),
    codes: ['field.malformed', 'field.invalid', 'field.invalid', 'field.wrong-type'],
  },
  {
    title: 'one kernel setting twice, in two spellings',
    text: extended(NET, net('Sysctl', 'again', 'key: net/core/rmem_max, value: "1"', 'system')),
    codes: ['sysctl.twice'],
  },
  {
    title: 'forwarding switched off',
    text: extended(NET, net('Sysctl', 'x', 'key: net.ipv4.ip_forward, value: "0"', 'system')),
    codes: ['sysctl.forwarding'],
  },
  {
    title: 'a resource as it was shown, with its status',
    text: 'apiVersion: net.routerd.net/v1alpha1\nkind: Interface\nmetadata: {name: lan}\nspec: {ifname: lan0}\nstatus: {phase: Applied}\n',
    codes: ['field.replaced'],
  },
  {
    title: 'how a Router reconciles, with an interface and a zone that nobody declares',
    text: 'apiVersion: routerd.net/v1alpha1\nkind: Router\nmetadata: {name: edge}\nspec:\n  reconcile:\n    mode: progressive\n    protectedInterfaces: [mgmt0]\n    protectedZones: [mgmt]\n  resources:\n    - apiVersion: net.routerd.net/v1alpha1\n      kind: Interface\n      metadata: {name: lan}\n      spec: {ifname: lan0}\n',
    codes: ['reference.undeclared-interface', 'reference.unresolved'],
  },
  {
    title: 'two Routers that say how, one of them what it cannot',
    text: 'apiVersion: routerd.net/v1alpha1\nkind: Router\nmetadata: {name: a}\nspec: {reconcile: {}}\n---\napiVersion: routerd.net/v1alpha1\nkind: Router\nmetadata: {name: b}\nspec: {reconcile: {mode: strict}}\n---\napiVersion: routerd.net/v1alpha1\nkind: Router\nmetadata: {name: c}\nspec: {reconcile: {autoTuneConntrack: true, mode: careful}}\n',
    codes: ['router.reconcile-twice', 'field.replaced', 'field.not-allowed'],
  },
  {
    title: 'an address twice on one interface',
    text: extended(ONPREM, net('IPv4StaticAddress', 'again', 'interface: wg-aws-a, address: 10.255.0.1/24')),
    codes: ['address.twice'],
  },
  {
    title: 'two interfaces in one network',
    text: [
      net('IPv4StaticAddress', 'a', 'interface: lo, address: 10.9.0.1/24'),
      net('IPv4StaticAddress', 'b', 'interface: lan0, address: 10.9.0.2/16'),
      net('IPv4StaticAddress', 'c', 'interface: lan0, address: 10.9.0.3/24, allowOverlap: true'),
      net('Interface', 'lan', 'ifname: lan0'),
    ].join('---\n'),
    codes: ['address.overlap'],
  },
  {
    title: 'two routes to one destination',
    text: [
      net('IPv4Route', 'a', 'destination: 10.9.0.0/16, gateway: 192.0.2.1'),
      net('IPv4Route', 'b', 'destination: 10.9.0.0/16, gateway: 192.0.2.2'),
      net('IPv4Route', 'c', 'destination: 10.9.0.0/16, gateway: 192.0.2.2, metric: 10'),
    ].join('---\n'),
    codes: ['route.twice'],
  },
  {
    title: 'fields that other designs have',
    text: [
      net('IPv4StaticAddress', 'a', 'interface: lo, address: 10.9.0.1/24, exclusive: true'),
      net('IPv4Route', 'b', 'destination: 10.9.0.0/16, gatewayFrom: x, device: lan0'),
      net('WireGuardInterface', 'c', 'privateKey: x, privateKeyFile: /k, listenPort: 1, fwmark: 2'),
      net('EventPeer', 'd', `groupRef: g, nodeName: n, publicKey: U${'A'.repeat(55)}, endpoint: x`, 'federation'),
      net(
        'EventGroup',
        'g',
        'nodeName: m, servers: [nats://h:1], identity: {seedFile: /s}, auth: {mode: hmac}',
        'federation',
      ),
    ].join('---\n'),
    codes: Array.from({ length: 6 }, () => 'field.replaced' as const),
  },
  {
    title: 'a claim that is delivered nowhere',
    text: changed(STATIC_PAIR, '    interface: tun0\n', ''),
    codes: ['delivery.no-interface'],
  },
  {
    title: 'a route to networks behind a peer without an interface',
    text: changed(HYBRID, '    type: gre\n    interface: gre-cloud\n', '    type: route\n'),
    codes: ['delivery.no-interface'],
  },
  {
    title: 'a member that delivers nowhere',
    text: changed(
      changed(
        ONPREM,
        '      staticOwnedAddresses:',
        '      delivery: {peerRef: to-aws-b}\n      staticOwnedAddresses:',
      ),
      '    type: wireguard\n    interface: wg-aws-b\n',
      '    type: tailscale\n',
    ),
    codes: ['delivery.no-interface'],
  },
  {
    title: 'a tunnel inside a domain of claims',
    text: extended(STATIC_PAIR, net('IPv4StaticAddress', 't', 'interface: tun0, address: 10.77.60.1/30')),
    codes: ['overlay.inside-pool'],
  },
];
