/** Whom an addition can break is declared by each rule, and relied on: what is not declared is not looked at again. */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import {
  checkResource,
  identityOf,
  indexResources,
  kindsBrokenBy,
  loadResources,
  type Resource,
} from '../src/index.ts';
import { DYNAMIC, HYBRID, NET, ONPREM, STATIC_PAIR } from './configurations.ts';
import { dynamicCases } from './invalid/dynamic-cases.ts';
import { fieldCases } from './invalid/field-cases.ts';
import { netCases } from './invalid/net-cases.ts';
import { poolCases } from './invalid/pool-cases.ts';
import { relationCases } from './invalid/relation-cases.ts';

/** Every resource of the tables that is valid by itself: they were written to be in conflict. One of equal content each. */
const corpus = [
  ...new Map(
    [...fieldCases, ...poolCases, ...relationCases, ...dynamicCases, ...netCases]
      .flatMap(({ text }) => (typeof text === 'string' ? loadResources([{ file: 'f', text }]).resources : []))
      .map(({ value }) => [JSON.stringify(value), value] as const),
  ).values(),
];

function errorsOf(resource: Resource, index: ReturnType<typeof indexResources>): readonly string[] {
  return checkResource(resource, index, 'authored')
    .filter(({ severity }) => severity === 'error')
    .map(({ code }) => code);
}

/** @returns how many of startup the addition breaks, all of them of kinds that its own may break */
function expectDeclared(startup: readonly Resource[], addition: Resource): number {
  const below = indexResources(startup);
  const above = indexResources([addition], below);
  const broken = startup.filter(
    (resource) => errorsOf(resource, above).length > 0 && errorsOf(resource, below).length === 0,
  );
  if (broken.length === 0) return 0;
  const mayBreak = kindsBrokenBy(new Set([addition.kind]));
  for (const { kind } of broken) expect([...mayBreak], `${addition.kind} breaks ${kind}`).toContain(kind);
  return broken.length;
}

const document = (group: string, kind: string, name: string, spec: string): string =>
  `apiVersion: ${group}.routerd.net/v1alpha1\nkind: ${kind}\nmetadata: {name: ${name}}\nspec: {${spec}}\n`;

function resourcesOf(...texts: readonly string[]): readonly Resource[] {
  return loadResources([{ file: 'f', text: texts.join('---\n') }]).resources.map(({ value }) => value);
}

/** Whole configurations, in which every reference is resolved: nothing is wrong with them before the addition. */
const CONFIGURATIONS = [
  resourcesOf(
    ONPREM,
    document(
      'net',
      'NAT44Rule',
      'nat',
      'outboundInterface: wan0, sourceCIDRs: [10.77.60.0/24], translation: {type: interfaceAddress}',
    ),
  ),
  resourcesOf(STATIC_PAIR, document('net', 'IPv4StaticAddress', 'own', 'interface: lan0, address: 10.77.60.3/24')),
  resourcesOf(ONPREM, document('net', 'IPv4StaticAddress', 'later', 'interface: gre7, address: 10.77.60.3/24')),
  resourcesOf(
    document('net', 'WireGuardInterface', 'wg0', 'privateKeyFile: /k, listenPort: 8'),
    document('net', 'IPv4StaticAddress', 'wg0', 'interface: wg0, address: 192.0.2.129/30'),
    document(
      'net',
      'WireGuardPeer',
      'p',
      `interface: wg0, publicKey: ${'B'.repeat(42)}A=, allowedIPs: [10.0.0.0/8], endpoint: "192.0.2.77:1"`,
    ),
    document(
      'net',
      'NAT44Rule',
      'nat',
      'outboundInterface: wg0, sourceCIDRs: [192.0.2.0/24], translation: {type: interfaceAddress}',
    ),
  ),
  resourcesOf(DYNAMIC),
  resourcesOf(
    ...['fleet', 'other'].map((name) =>
      document('federation', 'EventGroup', name, 'nodeName: a, servers: [nats://h:1], identity: {seedFile: /s}'),
    ),
  ),
  resourcesOf(HYBRID),
  resourcesOf(NET),
];

/** What would clash with them besides the tables' resources: each way to have an address, and each to be a tunnel. */
const CLASHES = ['10.77.60.9', '10.77.60.10'].flatMap((address) =>
  resourcesOf(
    document('net', 'VirtualAddress', 'x', `interface: lan0, address: ${address}/32`),
    document('net', 'IPv4StaticAddress', 'x', `interface: lan0, address: ${address}/32`),
    document(
      'hybrid',
      'OverlayPeer',
      'x',
      `role: cloud, nodeID: x, underlay: {type: route, interface: wan0, address: ${address}}`,
    ),
    document('hybrid', 'OverlayPeer', 'y', 'role: cloud, nodeID: y, underlay: {type: route, interface: lan0}'),
    document(
      'net',
      'WireGuardPeer',
      'x',
      `interface: wg0, publicKey: ${'A'.repeat(43)}=, allowedIPs: [10.0.0.0/8], endpoint: "${address}:1"`,
    ),
    ...['wan0', 'lan0'].map((name) => document('net', 'WireGuardInterface', name, 'privateKeyFile: /k, listenPort: 9')),
    ...['wan0', 'lan0', 'gre7'].map((name) =>
      document(
        'hybrid',
        'TunnelInterface',
        name,
        `mode: ipip, local: 192.0.2.1, remote: 192.0.2.9, address: ${address}/30, trustedUnderlay: true`,
      ),
    ),
    document(
      'mobility',
      'MobilityPool',
      'x',
      'prefix: 192.0.2.0/24, groupRef: fleet, members: [{nodeRef: a, site: a, role: onprem, capture: {type: proxy-arp, interface: lan0}}]',
    ),
  ),
);

const isSame = (a: Resource, b: Resource): boolean => identityOf(a) === identityOf(b);

it('an addition breaks only resources of the kinds that its own can break, in every pair', () => {
  let broken = 0;
  for (const resource of corpus) {
    for (const addition of corpus) if (!isSame(resource, addition)) broken += expectDeclared([resource], addition);
  }
  expect(broken).toBeGreaterThan(50);
});

it('an addition breaks only resources of the kinds that its own can break, in whole configurations', () => {
  let broken = 0;
  for (const startup of CONFIGURATIONS) {
    for (const addition of [...corpus, ...CLASHES]) {
      const isThere = startup.some((resource) => isSame(resource, addition));
      if (!isThere) broken += expectDeclared(startup, addition);
    }
  }
  expect(broken).toBeGreaterThan(30);
});

it('an addition breaks only resources of the kinds that its own can break, among many', () => {
  const drawn = fc.constantFrom(...corpus);
  let broken = 0;
  fc.assert(
    fc.property(
      fc.uniqueArray(drawn, { minLength: 6, maxLength: 20, selector: identityOf }),
      drawn,
      (startup, addition) => {
        fc.pre(!startup.some((resource) => isSame(resource, addition)));
        broken += expectDeclared(startup, addition);
      },
    ),
    { numRuns: 4000, seed: 20_261_121 },
  );
  expect(broken).toBeGreaterThan(50);
});

it('claims and their domains break nothing: the parts of pools need not be compared with each other', () => {
  expect([...kindsBrokenBy(new Set(['RemoteAddressClaim', 'AddressMobilityDomain']))]).toEqual([]);
});
