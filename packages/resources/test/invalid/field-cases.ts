import { changed, extended, ONPREM, STATIC_PAIR } from '../configurations.ts';
import type { InvalidCase } from './case.ts';

const router = (resources: string): string =>
  `apiVersion: routerd.net/v1alpha1\nkind: Router\nmetadata:\n  name: edge\nspec:\n  resources:\n${resources}`;

export const fieldCases: readonly InvalidCase[] = [
  { title: 'no kind', text: 'apiVersion: net.routerd.net/v1alpha1\nmetadata:\n  name: lan\n', codes: ['kind.missing'] },
  {
    title: 'a misspelt kind',
    text: changed(ONPREM, 'kind: MobilityPool', 'kind: MobiltyPool'),
    codes: ['kind.unknown'],
  },
  { title: 'a kind of another system', text: 'apiVersion: v1\nkind: Pod\n', codes: ['kind.unknown'] },
  { title: 'a kind that is a number', text: 'kind: 7\n', codes: ['kind.unknown'] },
  {
    title: 'a kind under the wrong API group, and a misspelt field',
    text: 'apiVersion: net.routerd.net/v1alpha1\nkind: Plugin\nmetadata:\n  name: x\nspec:\n  executabel: /bin/x\n  capabilities: [observe.cloud]\n',
    codes: ['kind.wrong-api-version', 'field.missing', 'field.unknown'],
  },
  {
    title: 'no apiVersion',
    text: 'kind: Interface\nmetadata: {name: lan}\nspec: {ifname: lan0}\n',
    codes: ['field.missing'],
  },
  {
    title: 'no metadata and no spec',
    text: 'apiVersion: net.routerd.net/v1alpha1\nkind: Interface\n',
    codes: ['field.missing', 'field.missing'],
  },
  {
    title: 'a name with a slash',
    text: changed(STATIC_PAIR, 'name: printer', 'name: office/printer'),
    codes: ['field.malformed'],
  },
  {
    title: 'a misspelt field',
    text: changed(ONPREM, '  prefix:', '  prefx:'),
    codes: ['field.missing', 'field.unknown'],
  },
  {
    title: 'a field in the wrong case',
    text: changed(ONPREM, '  nodeName: onprem-a', '  nodename: onprem-a'),
    codes: ['field.missing', 'field.unknown'],
  },
  {
    title: 'a field of another era',
    text: changed(STATIC_PAIR, 'ownerSide: onprem', 'ownerSide: onprem\n  preserveSource: true'),
    codes: ['field.unknown'],
  },
  {
    title: 'a field that nothing resembles',
    text: changed(ONPREM, 'ifname: lan0', 'ifname: lan0\n  colour: blue'),
    codes: ['field.unknown'],
  },
  {
    title: 'a missing field of a list item',
    text: changed(ONPREM, '    - nodeRef: aws-b\n      site: aws\n', '    - nodeRef: aws-b\n'),
    codes: ['field.missing'],
  },
  {
    title: 'text where a number is wanted',
    text: changed(ONPREM, 'listenPort: 51820', 'listenPort: "51820"'),
    codes: ['field.wrong-type'],
  },
  {
    title: 'a number where text is wanted',
    text: changed(STATIC_PAIR, 'region: eu-central-1', 'accountID: 123456789012'),
    codes: ['field.wrong-type'],
  },
  {
    title: 'an annotation that is a number',
    text: changed(STATIC_PAIR, 'name: printer', 'name: printer\n  annotations:\n    floor: 3'),
    codes: ['field.wrong-type'],
  },
  {
    title: 'text where a list is wanted',
    text: changed(ONPREM, 'servers:\n    - tls://', 'servers: tls://'),
    codes: ['field.wrong-type'],
  },
  {
    title: 'a list where a mapping is wanted',
    text: changed(ONPREM, '  identity:\n    seedFile:', '  identity:\n    - seedFile:'),
    codes: ['field.wrong-type'],
  },
  { title: 'an empty value', text: changed(ONPREM, 'prefix: 10.77.60.0/24', 'prefix:'), codes: ['field.wrong-type'] },
  {
    title: 'yes where true is wanted',
    text: changed(STATIC_PAIR, 'enabled: true', 'enabled: yes'),
    codes: ['field.wrong-type'],
  },
  {
    title: 'a fraction',
    text: changed(ONPREM, 'listenPort: 51820', 'listenPort: 51820.5'),
    codes: ['field.wrong-type'],
  },
  {
    title: 'a number out of range',
    text: changed(ONPREM, 'listenPort: 51820', 'listenPort: 70000'),
    codes: ['field.out-of-range'],
  },
  {
    title: 'an empty list',
    text: changed(STATIC_PAIR, 'capabilities:\n    - execute.providerAction', 'capabilities: []'),
    codes: ['field.out-of-range'],
  },
  {
    title: 'a value that is not in the list',
    text: changed(ONPREM, 'role: onprem', 'role: onprm'),
    codes: ['field.not-allowed'],
  },
  {
    title: 'a discriminator that is not in the list',
    text: changed(STATIC_PAIR, 'type: provider-secondary-ip', 'type: garp'),
    codes: ['field.not-allowed'],
  },
  {
    title: 'a missing discriminator',
    text: changed(STATIC_PAIR, '    type: provider-secondary-ip\n', ''),
    codes: ['field.missing'],
  },
  {
    title: 'a field of the other option',
    text: changed(ONPREM, 'interface: lan0', 'interface: lan0\n        nicRef: eni-1'),
    codes: ['field.unknown'],
  },
  {
    title: 'an address that is configured on the host',
    text: changed(STATIC_PAIR, 'nicRef: eni-0a', 'nicRef: eni-0a\n    configureOSAddress: true'),
    codes: ['field.not-allowed'],
  },
  {
    title: 'full L2',
    text: changed(STATIC_PAIR, 'mode: selective-address', 'mode: full-l2'),
    codes: ['field.not-allowed'],
  },
  {
    title: 'a prefix with host bits',
    text: changed(ONPREM, 'prefix: 10.77.60.0/24', 'prefix: 10.77.60.1/24'),
    codes: ['field.invalid'],
  },
  {
    title: 'an address without a length',
    text: changed(STATIC_PAIR, 'address: 10.77.60.9/32', 'address: 10.77.60.9'),
    codes: ['field.invalid'],
  },
  {
    title: 'a network where a host is wanted',
    text: changed(STATIC_PAIR, 'address: 10.77.60.9/32', 'address: 10.77.60.0/24'),
    codes: ['field.invalid'],
  },
  {
    title: 'leading zeros',
    text: changed(STATIC_PAIR, 'address: 10.77.60.9/32', 'address: 10.077.60.9/32'),
    codes: ['field.invalid'],
  },
  {
    title: 'an interface address that is out of range',
    text: changed(ONPREM, 'address: 10.255.0.1/32', 'address: 10.255.0.999/32'),
    codes: ['field.invalid'],
  },
  {
    title: 'a duration without a unit',
    text: changed(
      ONPREM,
      '  groupRef: fleet\n  members:',
      '  groupRef: fleet\n  leasePolicy:\n    ttl: 30\n  members:',
    ),
    codes: ['field.wrong-type'],
  },
  {
    title: 'a duration with an unknown unit',
    text: changed(
      ONPREM,
      '  groupRef: fleet\n  members:',
      '  groupRef: fleet\n  leasePolicy:\n    ttl: 1d\n  members:',
    ),
    codes: ['field.invalid'],
  },
  {
    title: 'a node name in capitals',
    text: changed(ONPREM, 'nodeName: onprem-a', 'nodeName: OnPrem-A'),
    codes: ['field.invalid'],
  },
  {
    title: 'an interface name that is too long',
    text: changed(ONPREM, 'ifname: lan0', 'ifname: local-area-network-0'),
    codes: ['field.malformed'],
  },
  {
    title: 'an interface name with a wildcard',
    text: changed(ONPREM, 'ifname: lan0', "ifname: 'lan*'"),
    codes: ['field.malformed'],
  },
  {
    title: 'an interface name that is an option',
    text: changed(ONPREM, 'ifname: lan0', 'ifname: -batch'),
    codes: ['field.malformed'],
  },
  {
    title: 'a server that is a web page',
    text: changed(ONPREM, 'tls://hub-1.example.net:4222', 'https://hub-1.example.net'),
    codes: ['field.malformed'],
  },
  {
    title: 'an endpoint with an impossible port',
    text: changed(ONPREM, 'endpoint: 203.0.113.10:51820', 'endpoint: 203.0.113.10:99999'),
    codes: ['field.malformed'],
  },
  {
    title: 'a reference to another kind',
    text: changed(ONPREM, 'groupRef: EventGroup/fleet', 'groupRef: OverlayPeer/fleet'),
    codes: ['field.invalid'],
  },
  {
    title: 'a secret in capture.target',
    text: changed(ONPREM, 'nicRef: eni-0a', 'nicRef: eni-0a\n        target:\n          accessKeyId: AKIA'),
    codes: ['field.bad-name'],
  },
  {
    title: 'an environment variable with a dash',
    text: changed(
      STATIC_PAIR,
      '  capabilities:\n    - execute',
      '  env:\n    AWS-REGION: eu\n  capabilities:\n    - execute',
    ),
    codes: ['field.bad-name'],
  },
  {
    title: 'a WireGuard underlay without an interface',
    text: changed(STATIC_PAIR, 'type: route\n    interface: tun0', 'type: wireguard'),
    codes: ['field.missing'],
  },
  {
    title: 'a deliveryTo for nobody',
    text: changed(
      ONPREM,
      '      staticOwnedAddresses:',
      '      deliveryTo:\n        - peerRef: to-aws-a\n      staticOwnedAddresses:',
    ),
    codes: ['field.invalid'],
  },
  {
    title: 'a blackhole with a device',
    text: extended(
      ONPREM,
      'apiVersion: net.routerd.net/v1alpha1\nkind: IPv4Route\nmetadata:\n  name: hole\nspec:\n  destination: 192.0.2.0/24\n  type: blackhole\n  device: lan0\n',
    ),
    codes: ['field.invalid'],
  },
  {
    title: 'one identity twice',
    text: extended(
      ONPREM,
      'apiVersion: net.routerd.net/v1alpha1\nkind: Interface\nmetadata:\n  name: lan\nspec:\n  ifname: lan1\n',
    ),
    codes: ['resource.duplicate'],
  },
  {
    title: 'one identity in two files',
    text: {
      'a.yaml': STATIC_PAIR,
      'b.yaml': `kind: OverlayPeer\napiVersion: hybrid.routerd.net/v1alpha1\nmetadata:\n  name: onprem\nspec:\n  role: onprem\n  nodeID: onprem-b\n  underlay: {type: route}\n`,
    },
    codes: ['resource.duplicate'],
  },
  {
    title: 'mistakes inside a Router',
    text: router(
      '    - apiVersion: net.routerd.net/v1alpha1\n      kind: Interface\n      metadata: {name: lan}\n      spec: {ifname: lan0, mtu: low}\n    - kind: Interfaec\n',
    ),
    codes: ['field.wrong-type', 'kind.unknown'],
  },
  {
    title: 'a Router whose resources are no list, with settings that do not exist',
    text: 'apiVersion: routerd.net/v1\nkind: Router\nmetadata: {name: edge}\nspec:\n  resources: 7\n  reconcil: {mode: strict}\n',
    codes: ['field.not-allowed', 'field.wrong-type', 'field.unknown'],
  },
  {
    title: 'an alias to a value of the wrong type',
    text: 'apiVersion: net.routerd.net/v1alpha1\nkind: Interface\nmetadata: {name: &n lan}\nspec:\n  ifname: lan0\n  mtu: *n\n',
    codes: ['field.wrong-type'],
  },
  {
    title: 'a window in no time zone',
    text: changed(
      STATIC_PAIR,
      '  allowedProviderRefs:',
      '  executionWindow: {days: [mon], start: "08:00", end: "08:00", timezone: Europe/Berln}\n  allowedProviderRefs:',
    ),
    codes: ['field.invalid'],
  },
  {
    title: 'a number of replicas that cannot agree',
    text: changed(ONPREM, '  servers:', '  hub: {operatorSeedFile: /s, replicas: 2}\n  servers:'),
    codes: ['field.wrong-type'],
  },
];
