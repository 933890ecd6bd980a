/** Checks of what configuration says: tunnels, routes, references, leases. */
import { pathMtuOf } from '@routerd/dataplane';
import { ofKind, type Resource, type ResourceOf } from '@routerd/resources';
import type { DoctorFacts } from './doctor-facts.ts';
import type { CheckName } from './catalogue.ts';
import { check, type Finding } from './finding.ts';

/** Every IPv6 link carries packets of this size (RFC 8200, section 5), and much software relies on it. */
const MTU_MIN = 1280;

export function hybridConfigFindings(facts: DoctorFacts): readonly Finding[] {
  const { effective } = facts;
  return [
    ...ofKind(effective, 'OverlayPeer').map((peer) => underlayInterface(effective, peer)),
    ...ofKind(effective, 'HybridRoute').flatMap((route) => hybridRoute(facts, route)),
    ...ofKind(effective, 'AddressMobilityDomain').map(({ metadata, spec }) =>
      reference(effective, 'domain-peer', `AddressMobilityDomain/${metadata.name}`, 'OverlayPeer', spec.peerRef),
    ),
    ...ofKind(effective, 'RemoteAddressClaim').flatMap((claim) => claimReferences(effective, claim)),
    ...facts.leases.filter(({ status }) => status === 'conflict' || status === 'frozen').map(contestedLease),
    ...virtualAddresses(facts),
  ];
}

const DECLARED_BY = ['WireGuardInterface', 'TunnelInterface'] as const;

function underlayInterface(effective: readonly Resource[], { metadata, spec }: ResourceOf<'OverlayPeer'>): Finding {
  const asked = check('hybrid', 'underlay-interface', `OverlayPeer/${metadata.name}`);
  const { type, interface: name } = spec.underlay;
  if (name === undefined) return asked.skip(`underlay ${type} names no interface`);
  const isDeclared = effective.some(
    (resource) =>
      DECLARED_BY.some((kind) => kind === resource.kind && resource.metadata.name === name) ||
      (resource.kind === 'Interface' && resource.spec.ifname === name),
  );
  if (isDeclared) return asked.pass(`${name} is declared`);
  return asked.warn(
    `${name} is not declared, so its MTU is guessed and nobody here keeps it`,
    `Declare a WireGuardInterface, TunnelInterface or Interface ${name}, unless something else keeps it.`,
  );
}

function hybridRoute(facts: DoctorFacts, { metadata, spec }: ResourceOf<'HybridRoute'>): readonly Finding[] {
  const name = `HybridRoute/${metadata.name}`;
  const byDefault = spec.destinationCIDRs.filter((destination) => destination.endsWith('/0'));
  const untouched = check('hybrid', 'default-route', name);
  return [
    reference(facts.effective, 'route-peer', name, 'OverlayPeer', spec.peerRef),
    byDefault.length === 0
      ? untouched.pass('no destination is a default route')
      : untouched.fail(`${byDefault.join(', ')} is a default route`, 'Name the networks that the peer has.'),
    routeMtu(facts.effective, name, spec.peerRef),
    reference(facts.effective, 'route-health-check', name, 'HealthCheck', spec.healthCheckRef),
    routeInstalled(facts, name, spec),
  ];
}

function routeMtu(effective: readonly Resource[], name: string, peerRef: string): Finding {
  const asked = check('hybrid', 'route-mtu', name);
  const underlay = ofKind(effective, 'OverlayPeer').find(({ metadata }) => metadata.name === peerRef)?.spec.underlay;
  const device = effective.find(
    (resource) => DECLARED_BY.some((kind) => kind === resource.kind) && resource.metadata.name === underlay?.interface,
  );
  const mtu = device?.kind === 'WireGuardInterface' || device?.kind === 'TunnelInterface' ? device.spec.mtu : undefined;
  if (underlay === undefined || mtu === undefined) return asked.skip('the MTU of the underlay is not declared');
  const hasKey = device?.kind === 'TunnelInterface' && device.spec.mode === 'gre' && device.spec.key !== undefined;
  const { estimatedMtu = mtu } = pathMtuOf(underlay.type, mtu, hasKey);
  if (estimatedMtu >= MTU_MIN) return asked.pass(`about ${estimatedMtu} bytes pass`);
  return asked.warn(
    `only about ${estimatedMtu} bytes pass, fewer than ${MTU_MIN}`,
    `Raise spec.mtu of ${device?.kind ?? 'the interface'}/${underlay.interface ?? ''}, as far as the network below allows.`,
  );
}

function routeInstalled(
  { host, effective }: DoctorFacts,
  name: string,
  { destinationCIDRs, peerRef }: ResourceOf<'HybridRoute'>['spec'],
): Finding {
  const asked = check('hybrid', 'route-installed', name);
  if (host === undefined) return asked.skip('the host was not looked at');
  if (host.kind === 'unreadable') return asked.skip(host.detail);
  const peer = ofKind(effective, 'OverlayPeer').find(({ metadata }) => metadata.name === peerRef);
  const device = peer?.spec.underlay.interface;
  const { routes } = host.value.observed;
  const missing = destinationCIDRs.filter(
    (destination) => !routes.some((route) => route.destination === destination && route.device === device),
  );
  if (missing.length === 0) return asked.pass(`${destinationCIDRs.join(', ')} by ${device ?? 'the peer'}`);
  return asked.warn(
    `no route of ours to ${missing.join(', ')} by ${device ?? 'an interface'}`,
    'See `routerctl status` for changes that did not land.',
  );
}

function claimReferences(
  effective: readonly Resource[],
  { metadata, spec }: ResourceOf<'RemoteAddressClaim'>,
): readonly Finding[] {
  const name = `RemoteAddressClaim/${metadata.name}`;
  return [
    reference(effective, 'claim-domain', name, 'AddressMobilityDomain', spec.domainRef),
    reference(effective, 'claim-peer', name, 'OverlayPeer', spec.delivery.peerRef),
    captureType(name, spec.capture.type),
  ];
}

const CAPTURE_TYPES: readonly string[] = ['provider-secondary-ip', 'proxy-arp'];

/** Validation refuses anything else; a part of another version may have it all the same. */
function captureType(name: string, type: string): Finding {
  const asked = check('hybrid', 'capture-type', name);
  if (CAPTURE_TYPES.includes(type)) return asked.pass(type);
  return asked.fail(`${type} is reserved, and not implemented`, `Use one of ${CAPTURE_TYPES.join(', ')}.`);
}

function reference(
  effective: readonly Resource[],
  code: CheckName<'hybrid'>,
  name: string,
  kind: Resource['kind'],
  target: string | undefined,
): Finding {
  const asked = check('hybrid', code, name);
  if (target === undefined) return asked.skip(`it names no ${kind}`);
  const exists = effective.some((resource) => resource.kind === kind && resource.metadata.name === target);
  if (exists) return asked.pass(`${kind}/${target} exists`);
  return asked.fail(`${kind}/${target} does not exist`, `Declare it, or name another; see \`routerctl get ${kind}\`.`);
}

function contestedLease({ pool, address, status, site, challenger }: DoctorFacts['leases'][number]): Finding {
  const asked = check('hybrid', 'lease-conflict', `${pool} ${address}`);
  if (status === 'frozen')
    return asked.warn(
      `${address} moved too often, or was frozen by order, and stays at ${site}`,
      `Find what moves it (\`routerctl explain ${address}\`), then \`routerctl mobility release ${address}\`.`,
    );
  return asked.fail(
    `${site} and ${challenger?.site ?? 'another site'} both say that they have ${address}`,
    `Take it off one of the two machines; see \`routerctl explain ${address}\`.`,
  );
}

function virtualAddresses({ effective, roleOf, vrrpFault }: DoctorFacts): readonly Finding[] {
  return ofKind(effective, 'VirtualAddress')
    .filter(({ spec }) => spec.mode === 'vrrp')
    .map(({ metadata: { name } }) => {
      const asked = check('hybrid', 'virtual-address', `VirtualAddress/${name}`);
      if (vrrpFault !== undefined)
        return asked.fail(vrrpFault.detail, 'Mend it: until then nothing that follows the role is captured here.');
      const role = roleOf(name);
      if (role !== 'unknown') return asked.pass(`this router is ${role}`);
      return asked.warn('no role is known', 'Is the interface up, and has it an address of its own?');
    });
}
