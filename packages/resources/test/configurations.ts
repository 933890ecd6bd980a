/** Whole configurations that are valid, and changes to them that make them invalid. */
import { expect } from 'vitest';

/** The on-premises router of a fleet with two AWS routers at one site. */
export const ONPREM = `apiVersion: federation.routerd.net/v1alpha1
kind: EventGroup
metadata:
  name: fleet
spec:
  nodeName: onprem-a
  servers:
    - tls://hub-1.example.net:4222
  identity:
    seedFile: /usr/local/etc/routerd/secrets/node.nk
---
apiVersion: federation.routerd.net/v1alpha1
kind: EventPeer
metadata:
  name: aws-a
spec:
  groupRef: fleet
  nodeName: aws-a
  publicKey: UAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA
---
apiVersion: federation.routerd.net/v1alpha1
kind: EventPeer
metadata:
  name: aws-b
spec:
  groupRef: EventGroup/fleet
  nodeName: aws-b
  publicKey: UBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBB
---
apiVersion: net.routerd.net/v1alpha1
kind: Interface
metadata:
  name: lan
spec:
  ifname: lan0
---
apiVersion: net.routerd.net/v1alpha1
kind: WireGuardInterface
metadata:
  name: wg-aws-a
spec:
  privateKeyFile: /usr/local/etc/routerd/secrets/wg.key
  listenPort: 51820
---
apiVersion: net.routerd.net/v1alpha1
kind: WireGuardInterface
metadata:
  name: wg-aws-b
spec:
  privateKeyFile: /usr/local/etc/routerd/secrets/wg.key
  listenPort: 51821
---
apiVersion: net.routerd.net/v1alpha1
kind: WireGuardPeer
metadata:
  name: aws-a
spec:
  interface: wg-aws-a
  publicKey: AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=
  allowedIPs:
    - 10.77.60.0/24
    - 10.255.0.0/24
  endpoint: 203.0.113.10:51820
---
apiVersion: net.routerd.net/v1alpha1
kind: IPv4StaticAddress
metadata:
  name: wg-aws-a
spec:
  interface: wg-aws-a
  address: 10.255.0.1/32
---
apiVersion: hybrid.routerd.net/v1alpha1
kind: OverlayPeer
metadata:
  name: to-aws-a
spec:
  role: cloud
  nodeID: aws-a
  underlay:
    type: wireguard
    interface: wg-aws-a
    address: 10.255.0.2
---
apiVersion: hybrid.routerd.net/v1alpha1
kind: OverlayPeer
metadata:
  name: to-aws-b
spec:
  role: cloud
  nodeID: aws-b
  underlay:
    type: wireguard
    interface: wg-aws-b
---
apiVersion: mobility.routerd.net/v1alpha1
kind: MobilityPool
metadata:
  name: demo
spec:
  prefix: 10.77.60.0/24
  groupRef: fleet
  members:
    - nodeRef: onprem-a
      site: onprem
      role: onprem
      capture:
        type: proxy-arp
        interface: lan0
      staticOwnedAddresses:
        - 10.77.60.10/32
    - nodeRef: aws-a
      site: aws
      role: cloud
      capture:
        type: provider-secondary-ip
        providerRef: aws
        providerMode: eni-secondary-ip
        nicRef: eni-0a
      placement:
        group: aws-edge
        priority: 10
    - nodeRef: aws-b
      site: aws
      role: cloud
      capture:
        type: provider-secondary-ip
        providerRef: aws
        providerMode: eni-secondary-ip
        nicRef: eni-0b
      placement:
        group: aws-edge
        priority: 20
`;

/** A pair of sites without federation, written by hand: the cloud side. */
export const STATIC_PAIR = `apiVersion: hybrid.routerd.net/v1alpha1
kind: CloudProviderProfile
metadata:
  name: aws
spec:
  provider: aws
  region: eu-central-1
  capabilities:
    - eni-secondary-ip
    - source-dest-check-disable
---
apiVersion: hybrid.routerd.net/v1alpha1
kind: ProviderActionPolicy
metadata:
  name: aws
spec:
  enabled: true
  allowedProviders:
    - aws
  allowedProviderRefs:
    - aws
  allowedCIDRs:
    - 10.77.60.0/24
---
apiVersion: hybrid.routerd.net/v1alpha1
kind: OverlayPeer
metadata:
  name: onprem
spec:
  role: onprem
  nodeID: onprem-a
  underlay:
    type: route
    interface: tun0
---
apiVersion: hybrid.routerd.net/v1alpha1
kind: AddressMobilityDomain
metadata:
  name: demo
spec:
  prefix: 10.77.60.0/24
  mode: selective-address
  peerRef: OverlayPeer/onprem
---
apiVersion: hybrid.routerd.net/v1alpha1
kind: RemoteAddressClaim
metadata:
  name: printer
spec:
  domainRef: demo
  address: 10.77.60.9/32
  ownerSide: onprem
  capture:
    type: provider-secondary-ip
    providerRef: aws
    providerMode: eni-secondary-ip
    nicRef: eni-0a
  delivery:
    peerRef: onprem
---
apiVersion: plugin.routerd.net/v1alpha1
kind: Plugin
metadata:
  name: aws-executor
spec:
  executable: /usr/local/libexec/routerd/plugins/aws-executor/main
  capabilities:
    - execute.providerAction
`;

/** Replaces one passage, which must be there: a case never goes stale in silence. */
export function changed(text: string, passage: string, replacement: string): string {
  expect(text, `the passage is in the configuration: ${passage}`).toContain(passage);
  return text.replace(passage, () => replacement);
}

/** The configuration with one more document. */
export function extended(text: string, document: string): string {
  return `${text}---\n${document}`;
}

/** A plugin that observes and may mask a route, and a subscription that hands it facts. */
export const DYNAMIC = `apiVersion: plugin.routerd.net/v1alpha1
kind: Plugin
metadata:
  name: inventory
spec:
  executable: /usr/local/libexec/routerd/plugins/oci-inventory/main
  capabilities:
    - observe.cloud
    - propose.dynamicConfig
  context:
    resources:
      - apiVersion: hybrid.routerd.net/v1alpha1
        kind: CloudProviderProfile
        name: oci
  triggers:
    - {type: interval, every: 5m}
    - {type: event, topic: routerd.resource.status.changed}
---
apiVersion: plugin.routerd.net/v1alpha1
kind: DynamicConfigSource
metadata:
  name: inventory
spec:
  pluginRef: Plugin/inventory
  ttl: 30m
---
apiVersion: hybrid.routerd.net/v1alpha1
kind: CloudProviderProfile
metadata:
  name: oci
spec:
  provider: oci
  capabilities: [vnic-secondary-ip]
---
apiVersion: config.routerd.net/v1alpha1
kind: DynamicOverridePolicy
metadata:
  name: fallback
spec:
  allow:
    - source: Plugin/inventory
      operations: [mask]
      targets:
        - apiVersion: net.routerd.net/v1alpha1
          kind: IPv4Route
          name: fallback
---
apiVersion: net.routerd.net/v1alpha1
kind: IPv4Route
metadata:
  name: fallback
spec:
  destination: 10.99.0.0/16
  gateway: 192.0.2.1
---
apiVersion: federation.routerd.net/v1alpha1
kind: EventGroup
metadata:
  name: fleet
spec:
  nodeName: onprem-a
  servers: [tls://hub-1.example.net:4222]
  identity: {seedFile: /usr/local/etc/routerd/secrets/node.nk}
---
apiVersion: federation.routerd.net/v1alpha1
kind: EventPeer
metadata:
  name: cloud-a
spec:
  groupRef: fleet
  nodeName: cloud-a
  publicKey: UAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA
---
apiVersion: federation.routerd.net/v1alpha1
kind: EventSubscription
metadata:
  name: newcomers
spec:
  groupRef: EventGroup/fleet
  match:
    types: [routerd.client.ipv4.observed]
    subjectPrefixes: [10.77.60.]
    payload: {pool: demo}
    sourceNodes: [cloud-a]
  trigger:
    pluginRef: inventory
    batchWindow: 2s
    debounce: 250ms
`;

/** Networks behind a peer, through a tunnel without encryption. */
export const HYBRID = `apiVersion: hybrid.routerd.net/v1alpha1
kind: TunnelInterface
metadata:
  name: gre-cloud
spec:
  mode: gre
  local: 192.0.2.1
  remote: 192.0.2.2
  address: 10.255.1.1/30
  key: 7
  trustedUnderlay: true
---
apiVersion: hybrid.routerd.net/v1alpha1
kind: OverlayPeer
metadata:
  name: cloud
spec:
  role: cloud
  nodeID: cloud-a
  underlay:
    type: gre
    interface: gre-cloud
---
apiVersion: hybrid.routerd.net/v1alpha1
kind: HybridRoute
metadata:
  name: office
spec:
  destinationCIDRs:
    - 10.20.0.0/16
  peerRef: OverlayPeer/cloud
`;

/** What a router shares, checks, lets pass and translates; the kinds that are not applied yet, one of each and two zones. */
export const NET = `apiVersion: net.routerd.net/v1alpha1
kind: VirtualAddress
metadata:
  name: lan
spec:
  interface: lan0
  address: 10.77.60.1/32
  mode: vrrp
  vrrp:
    virtualRouterID: 60
    peers: [10.77.60.3]
  track:
    - {resource: HealthCheck/uplink, unhealthyPenalty: 20}
---
apiVersion: net.routerd.net/v1alpha1
kind: HealthCheck
metadata:
  name: uplink
spec:
  target: 192.0.2.1
---
apiVersion: firewall.routerd.net/v1alpha1
kind: FirewallZone
metadata:
  name: wan
spec:
  role: untrust
  interfaces: [wan0]
---
apiVersion: firewall.routerd.net/v1alpha1
kind: FirewallZone
metadata:
  name: lan
spec:
  role: trust
  interfaces: [lan0]
---
apiVersion: firewall.routerd.net/v1alpha1
kind: FirewallRule
metadata:
  name: ssh
spec:
  fromZone: FirewallZone/wan
  toZone: self
  protocol: tcp
  port: 22
  action: accept
  rateLimit: {perSecond: 5}
---
apiVersion: net.routerd.net/v1alpha1
kind: NAT44Rule
metadata:
  name: internet
spec:
  outboundInterface: wan0
  sourceCIDRs: [10.77.60.0/24]
  translation: {type: interfaceAddress}
---
apiVersion: system.routerd.net/v1alpha1
kind: Sysctl
metadata:
  name: buffers
spec:
  key: net.core.rmem_max
  value: "4194304"
  compare: atLeast
---
apiVersion: net.routerd.net/v1alpha1
kind: Interface
metadata:
  name: lan
spec:
  ifname: lan0
---
apiVersion: net.routerd.net/v1alpha1
kind: Interface
metadata:
  name: wan
spec:
  ifname: wan0
`;
