/** Checks of one claim against the kernel. */
import {
  bareAddress,
  ofKind,
  parseIpv4Prefix,
  prefixContains,
  type HostAddress,
  type ResourceOf,
} from '@routerd/resources';
import type { ClaimLowering } from '@routerd/dataplane';
import { vrrpGateOf } from '../vrrp-gates.ts';
import type { DoctorFacts, HostFacts } from './doctor-facts.ts';
import type { CheckName } from './catalogue.ts';
import { check, type Check, type Finding } from './finding.ts';

type About = (code: CheckName<'hybrid'>) => Check;

type Claim = ResourceOf<'RemoteAddressClaim'>;

export function claimFindings(facts: DoctorFacts, host: HostFacts | undefined): readonly Finding[] {
  const lowered = new Map(facts.claims.map((claim) => [claim.claim, claim]));
  return ofKind(facts.effective, 'RemoteAddressClaim').flatMap((claim) => {
    const { name } = claim.metadata;
    const about: About = (code) => check('hybrid', code, `RemoteAddressClaim/${name}`);
    const lowering = lowered.get(name);
    const gate = gateFinding(facts, claim, about('vrrp-master'));
    if (lowering === undefined)
      return [
        ...gate,
        about('lowered').fail(
          facts.problems.find(({ subject }) => subject === `RemoteAddressClaim/${name}`)?.reason ??
            'it is not in effect yet',
          'Mend what it says of itself; until then the claim has no effect.',
        ),
      ];
    if (host === undefined) return gate;
    return [
      ...gate,
      deliveryRoute(lowering, host, about('delivery-route')),
      way(lowering, host, about('route-get')),
      allowedIps(lowering, host, about('allowed-ips')),
      ...(lowering.captureType === 'proxy-arp'
        ? proxyArpFindings(lowering, claim, host, about)
        : [osAddress(lowering, host, about('os-address'))]),
    ];
  });
}

function gateFinding({ roleOf }: DoctorFacts, { spec }: Claim, asked: Check): readonly Finding[] {
  const gate = vrrpGateOf(spec.capture);
  if (gate === undefined) return [];
  const role = roleOf(gate);
  if (role === 'master') return [asked.pass(`this router is the master of ${gate}`)];
  return [asked.skip(`this router is not the master of ${gate}: its role is ${role}`)];
}

function deliveryRoute({ address, route, tunnelInterface }: ClaimLowering, host: HostFacts, asked: Check): Finding {
  if (route === undefined) return asked.skip('the gate is closed, so there is none');
  const devices = host.routes.get(address) ?? [];
  if (devices.includes(tunnelInterface)) return asked.pass(`${address} by ${tunnelInterface}`);
  return asked.warn(
    devices.length === 0
      ? `there is no route to ${address}`
      : `${address} goes by ${devices.join(', ')}, not by ${tunnelInterface}`,
    `See \`routerctl status\` for what did not land, and \`ip route show ${bareAddress(address)}\`.`,
  );
}

function way({ address, route, tunnelInterface }: ClaimLowering, host: HostFacts, asked: Check): Finding {
  if (route === undefined) return asked.skip('the gate is closed, so there is none');
  const found = host.ways.get(address);
  if (found === undefined)
    return asked.warn(`the kernel knows no way to ${address}`, `Is ${tunnelInterface} up? See \`ip link\`.`);
  if (found.local) return asked.warn(`${address} is this host itself`, takenOff(address, host));
  if (found.device === tunnelInterface) return asked.pass(`by ${found.device}`);
  return asked.warn(
    `packets to ${address} leave by ${found.device}, not by ${tunnelInterface}`,
    `Look for another route or rule: \`ip route get ${bareAddress(address)}\`, \`ip rule\`.`,
  );
}

/** Of the device's peers one must take the address, or WireGuard drops it without a word. */
function allowedIps(
  { address, route, tunnelInterface }: ClaimLowering,
  { observed }: HostFacts,
  asked: Check,
): Finding {
  if (route === undefined) return asked.skip('the gate is closed, so nothing is delivered');
  const device = observed.wireGuard.find(({ name }) => name === tunnelInterface);
  if (device === undefined) return asked.skip(`${tunnelInterface} is no WireGuard device here`);
  const covers = device.peers.some(({ allowedIPs }) =>
    allowedIPs.some((text) => {
      const prefix = parseIpv4Prefix(text);
      return text === address || (prefix.ok && prefixContains(prefix.value, address));
    }),
  );
  if (covers) return asked.pass(`a peer of ${tunnelInterface} takes ${address}`);
  return asked.fail(
    `no peer of ${tunnelInterface} takes ${address}: WireGuard drops what is sent there`,
    `Add the pool's prefix to spec.allowedIPs of the WireGuardPeer on ${tunnelInterface}.`,
  );
}

function proxyArpFindings(lowering: ClaimLowering, { spec }: Claim, host: HostFacts, about: About): readonly Finding[] {
  const { captureInterface = '', address } = lowering;
  const present = host.observed.proxyNeighbors.some(
    (entry) => entry.address === address && entry.interface === captureInterface,
  );
  const exists = host.observed.links.some(({ name }) => name === captureInterface);
  const closed = about('closed-gate');
  const neighbor = about('proxy-neighbor');
  return [
    exists
      ? about('capture-interface').pass(`${captureInterface} exists`)
      : about('capture-interface').fail(
          `there is no interface ${captureInterface}`,
          'Name the one that the clients are on in spec.capture.interface.',
        ),
    ...(lowering.answersArp
      ? [
          present
            ? neighbor.pass(`this router answers for ${address} on ${captureInterface}`)
            : neighbor.fail(
                `nobody here answers for ${address} on ${captureInterface}`,
                'See `routerctl status` for what did not land.',
              ),
        ]
      : [
          present
            ? closed.fail(
                `this router answers for ${address} though its gate is closed`,
                `\`ip neigh del proxy ${bareAddress(address)} dev ${captureInterface}\`, and tell the developers.`,
              )
            : closed.skip('the gate is closed, and nothing is left of the capture'),
        ]),
    ...(vrrpGateOf(spec.capture) === undefined ? [] : [responders(lowering, present, host, about)]),
  ];
}

/** A probe never hears this host itself, which answers while it has the neighbour. */
function responders({ address }: ClaimLowering, answersHere: boolean, host: HostFacts, about: About): Finding {
  const asked = about('duplicate-responder');
  const probe = host.responders.get(address);
  if (probe === undefined) return asked.skip('there is no interface to ask on');
  if (probe.kind === 'unreadable')
    return asked.warn(`nobody could be asked: ${probe.detail}`, 'Install arping, and run as root.');
  const count = probe.value.length + (answersHere ? 1 : 0);
  const who = [...(answersHere ? ['this router'] : []), ...probe.value].join(', ');
  if (count <= 1) return asked.pass(count === 0 ? 'nobody answers' : `only ${who} answers`);
  return asked.fail(
    `${count} machines answer for ${address}: ${who}`,
    'Find the machine by its MAC; an ex-master must withdraw, and no client may have the address.',
  );
}

function osAddress({ address }: ClaimLowering, host: HostFacts, asked: Check): Finding {
  const found = configuredAs(address, host);
  if (found.length === 0) return asked.pass(`${address} is configured on no interface`);
  const removals = takenOff(address, host);
  return asked.warn(
    `${address} is configured on ${found.map((entry) => entry.interface).join(', ')}: its packets end here`,
    `It is taken off when the claim is in effect. Keep the guest agent (cloud-init, netplan) from adding secondary addresses. ${removals}`,
  );
}

function configuredAs(address: HostAddress, { observed }: HostFacts): HostFacts['observed']['addresses'] {
  return observed.addresses.filter((entry) => entry.address.split('/')[0] === bareAddress(address));
}

/** With the prefix length that it has there: `ip` finds no other. */
function takenOff(address: HostAddress, host: HostFacts): string {
  const commands = configuredAs(address, host).map(
    (entry) => `\`ip address del ${entry.address} dev ${entry.interface}\``,
  );
  return commands.length === 0
    ? `Look for what makes it local: \`ip route show table local ${bareAddress(address)}\`.`
    : `By hand: ${commands.join(', ')}.`;
}
