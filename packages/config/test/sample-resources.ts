/** Small resources to merge. */
import { expect } from 'vitest';
import { instant, parseResource, type Resource } from '@routerd/resources';
import type { DynamicConfigPart, PartContent } from '../src/index.ts';

type MaskTarget = DynamicConfigPart['directives'][number]['target'];

function resource(apiVersion: string, kind: string, name: string, spec: object): Resource {
  const parsed = parseResource({ apiVersion: `${apiVersion}.routerd.net/v1alpha1`, kind, metadata: { name }, spec });
  expect(parsed, `${kind}/${name} is valid`).toMatchObject({ ok: true });
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.error));
  return parsed.value;
}

export const peer = (name: string): Resource =>
  resource('hybrid', 'OverlayPeer', name, {
    role: 'cloud',
    nodeID: name,
    underlay: { type: 'route', interface: 'tun0' },
  });

export const domain = (name: string, prefix: string): Resource =>
  resource('hybrid', 'AddressMobilityDomain', name, { prefix, mode: 'selective-address' });

export const claim = (name: string, domainRef: string, address: string, peerRef = 'a'): Resource =>
  resource('hybrid', 'RemoteAddressClaim', name, {
    domainRef,
    address,
    ownerSide: 'onprem',
    capture: {
      type: 'proxy-arp',
      interface: 'lan0',
      activeWhen: { type: 'capture-holder', captureKey: `pool|${address}|site:onprem:segment:lan0` },
    },
    delivery: { peerRef },
  });

/** As an operator writes it. */
export const ownClaim = (name: string, domainRef: string, address: string, peerRef = 'a'): Resource =>
  resource('hybrid', 'RemoteAddressClaim', name, {
    domainRef,
    address,
    ownerSide: 'onprem',
    capture: { type: 'proxy-arp', interface: 'lan0' },
    delivery: { peerRef },
  });

export const route = (name: string, destination: string): Resource =>
  resource('net', 'IPv4Route', name, { destination, device: 'eth0' });

export const link = (name: string, ifname: string): Resource => resource('net', 'Interface', name, { ifname });

export const wireGuard = (name: string, listenPort: number): Resource =>
  resource('net', 'WireGuardInterface', name, { privateKeyFile: '/k', listenPort });

export const tunnelAddress = (name: string, device: string, address: string): Resource =>
  resource('net', 'IPv4StaticAddress', name, { interface: device, address });

export const pool = (name: string, prefix: string): Resource =>
  resource('mobility', 'MobilityPool', name, {
    prefix,
    groupRef: 'fleet',
    members: [{ nodeRef: 'self', site: 's', role: 'onprem', capture: { type: 'proxy-arp', interface: 'lan0' } }],
  });

/** `name` of its own grants SOURCE the mask of each of the resources. */
export const grant = (name: string, source: string, targets: readonly Resource[]): Resource =>
  resource('config', 'DynamicOverridePolicy', name, {
    allow: [{ source, operations: ['mask'], targets: targets.map(targetOf) }],
  });

export const targetOf = ({ apiVersion, kind, metadata }: Resource): MaskTarget => ({
  apiVersion,
  kind,
  name: metadata.name,
});

export const mask = (target: Resource, reason = 'gone'): DynamicConfigPart['directives'][number] => ({
  op: 'mask',
  target: targetOf(target),
  reason,
});

export const group = resource('federation', 'EventGroup', 'fleet', {
  nodeName: 'self',
  servers: ['nats://127.0.0.1:4222'],
  identity: { seedFile: '/n.nk' },
});

const content = (resources: readonly Resource[]): PartContent => ({ resources, directives: [], actionPlans: [] });

export function part(
  source: string,
  resources: readonly Resource[],
  more: Partial<DynamicConfigPart> = {},
): DynamicConfigPart {
  return { source, generation: 1, observedAt: instant(0), expiresAt: instant(1000), ...content(resources), ...more };
}
