/** The addresses that routers themselves have: shared by VRRP, fixed, and never mobile. */
import type { FieldPath, Problem } from '../../diagnostic.ts';
import { hostAddressOf, parseIpv4, prefixContains, type HostAddress, type Ipv4 } from '../../ipv4.ts';
import type { ResourceOf } from '../../resource.ts';
import { firstByKey, oncePerIndex, type ResourceIndex } from '../resource-index.ts';
import { errorAt, rule, warningAt, type Rule } from '../rule.ts';
import { poolsByPrefix } from './pool-prefixes.ts';
import { declaredInterface, resolve } from './references.ts';

type VirtualAddress = ResourceOf<'VirtualAddress'>;

/** Advertisements are told apart by interface and id (RFC 5798, section 5.2.3). */
function vridOf({ spec }: VirtualAddress): readonly string[] {
  return spec.vrrp === undefined ? [] : [`${spec.interface} ${spec.vrrp.virtualRouterID}`];
}

const firstWithVrid = firstByKey('VirtualAddress', vridOf);
const firstWithAddress = firstByKey('VirtualAddress', ({ spec }) => [spec.address]);

function* virtualAddress(virtual: VirtualAddress, index: ResourceIndex): Iterable<Problem> {
  const { spec } = virtual;
  yield* declaredInterface(index, spec.interface, ['spec', 'interface']);
  for (const [position, { resource, interface: link }] of spec.track.entries()) {
    yield* resolve(index, 'HealthCheck', resource, ['spec', 'track', position, 'resource']);
    if (link !== undefined) yield* declaredInterface(index, link, ['spec', 'track', position, 'interface']);
  }
  const twin = firstWithAddress(index).get(spec.address);
  if (twin !== undefined && twin !== virtual) {
    yield errorAt(['spec', 'address'], {
      code: 'virtual-address.twice',
      message: `VirtualAddress/${twin.metadata.name} has ${spec.address} already.`,
    });
  }
  const [vrid] = vridOf(virtual);
  const rival = vrid === undefined ? undefined : firstWithVrid(index).get(vrid);
  if (rival === undefined || rival === virtual) return;
  yield errorAt(['spec', 'vrrp', 'virtualRouterID'], {
    code: 'virtual-address.vrid-twice',
    message: `VirtualAddress/${rival.metadata.name} has virtualRouterID ${spec.vrrp?.virtualRouterID} on "${spec.interface}" already; an id is used once on an interface.`,
  });
}

/** Addresses of this router and of others, as far as they are declared, with who has each. */
const ownersOfAddresses = oncePerIndex((index) => {
  const owners = new Map<HostAddress, string>();
  const add = (text: string | undefined, owner: string): void => {
    const address = parseIpv4(text?.replace(/\/.*$/, '') ?? '');
    if (address.ok && !owners.has(hostAddressOf(address.value))) owners.set(hostAddressOf(address.value), owner);
  };
  for (const { metadata, spec } of index.ofKind('IPv4StaticAddress')) {
    add(spec.address, `IPv4StaticAddress/${metadata.name}`);
  }
  for (const { metadata, spec } of index.ofKind('VirtualAddress')) add(spec.address, `VirtualAddress/${metadata.name}`);
  for (const { metadata, spec } of index.ofKind('OverlayPeer')) {
    add(spec.underlay.address, `OverlayPeer/${metadata.name}`);
    add(spec.remote?.address, `OverlayPeer/${metadata.name}`);
  }
  for (const { metadata, spec } of index.ofKind('WireGuardPeer')) {
    add(spec.endpoint?.replace(/:\d+$/, ''), `WireGuardPeer/${metadata.name}`);
  }
  return owners;
});

function* notOfARouter(address: HostAddress, index: ResourceIndex, path: FieldPath): Iterable<Problem> {
  const owner = ownersOfAddresses(index).get(address);
  if (owner === undefined) return;
  yield errorAt(path, {
    code: 'capture.router-address',
    message: `${address} is the address of a router (${owner}): it cannot be captured, as it would cut that router off.`,
  });
}

function* ownedByNoRouter(pool: ResourceOf<'MobilityPool'>, index: ResourceIndex): Iterable<Problem> {
  for (const [position, { staticOwnedAddresses }] of pool.spec.members.entries()) {
    for (const [entry, address] of staticOwnedAddresses.entries()) {
      yield* notOfARouter(address, index, ['spec', 'members', position, 'staticOwnedAddresses', entry]);
    }
  }
}

/** It is never published by this router, but another router of the LAN may see it there and take it for a machine. */
function* excludedFromPool(address: Ipv4 | HostAddress, index: ResourceIndex, path: FieldPath): Iterable<Problem> {
  for (const { metadata, spec } of poolsByPrefix(index).containing(address)) {
    if (spec.excludedAddresses.some((excluded) => prefixContains(excluded, address))) continue;
    yield warningAt(path, {
      code: 'pool.router-address-not-excluded',
      message: `${address} is an address of routers and inside ${spec.prefix} of MobilityPool/${metadata.name}, which would let it move.`,
      remedy: `Add ${address.includes('/') ? address : `${address}/32`} to the pool's excludedAddresses.`,
    });
  }
}

export const routerAddressRules: readonly Rule[] = [
  rule('VirtualAddress', virtualAddress, { brokenBy: ['VirtualAddress'] }),
  rule('VirtualAddress', ({ spec }, index) => excludedFromPool(spec.address, index, ['spec', 'address'])),
  rule('RemoteAddressClaim', ({ spec }, index) => notOfARouter(spec.address, index, ['spec', 'address']), {
    brokenBy: ['IPv4StaticAddress', 'VirtualAddress', 'OverlayPeer', 'WireGuardPeer'],
  }),
  rule('MobilityPool', ownedByNoRouter, {
    brokenBy: ['IPv4StaticAddress', 'VirtualAddress', 'OverlayPeer', 'WireGuardPeer'],
  }),
];
