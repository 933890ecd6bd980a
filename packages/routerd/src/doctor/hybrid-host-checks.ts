/** Checks of what the host does with everything that is forwarded: settings, clamps, firewalls. */
import { bareAddress, ofKind, type Resource } from '@routerd/resources';
import type { DoctorFacts, HostFacts } from './doctor-facts.ts';
import { check, type Finding } from './finding.ts';
import { iptablesVerdict } from './iptables-verdict.ts';
import { nftDrops, type NewPacket } from './nft-verdict.ts';

interface Path {
  readonly capture: string;
  readonly tunnel: string;
}

/** @returns nothing where nothing is forwarded */
export function hybridHostFindings(facts: DoctorFacts, host: HostFacts): readonly Finding[] {
  const forwards =
    facts.claims.some(({ route }) => route !== undefined) || ofKind(facts.effective, 'HybridRoute').length > 0;
  if (!forwards) return [];
  const paths = pathsOf(facts);
  const captures = new Set(
    facts.claims.flatMap(({ captureType, captureInterface }) =>
      captureType === 'proxy-arp' ? (captureInterface ?? []) : [],
    ),
  );
  const interfaces = [...new Set(paths.flatMap(({ capture, tunnel }) => [capture, tunnel]))].toSorted();
  return [
    ipForward(host),
    ...facts.claims
      .filter(({ captureInterface }) => captureInterface === undefined)
      .map(({ claim }) =>
        check('hybrid', 'mss-interface', `RemoteAddressClaim/${claim}`).warn(
          'it names no capture interface, so clamps are made for every declared one',
          'Set spec.capture.interface to the one that the clients are on.',
        ),
      ),
    ...paths.flatMap((path) => [clamp(path, 'to-tunnel', facts, host), clamp(path, 'to-capture', facts, host)]),
    ...paths.flatMap((path) => hostFirewall(path, facts.effective, host)),
    ...foreignTables(facts, host),
    forwardPolicy(host),
    ...[...captures].toSorted().map((name) => proxyArp(name, host)),
    ...interfaces.map((name) => reversePath(name, host)),
  ];
}

function pathsOf({ claims }: DoctorFacts): readonly Path[] {
  const paths = new Map<string, Path>();
  for (const { captureInterface, tunnelInterface } of claims)
    if (captureInterface !== undefined)
      paths.set(`${captureInterface} ${tunnelInterface}`, { capture: captureInterface, tunnel: tunnelInterface });
  return [...paths.values()];
}

function ipForward({ observed }: HostFacts): Finding {
  const asked = check('hybrid', 'ip-forward', 'host');
  const value = observed.sysctls.get('net/ipv4/ip_forward');
  if (value === '1') return asked.pass('net.ipv4.ip_forward is 1');
  return asked.warn(
    `net.ipv4.ip_forward is ${value ?? 'not readable'}: nothing is forwarded`,
    'routerd sets it while it runs. Look for what sets it back: `grep -rs ip_forward /etc/sysctl.conf /etc/sysctl.d /usr/lib/sysctl.d`.',
  );
}

/** Each direction has its rule: SYNs of clients here, and SYN-ACKs of those at the other end. */
function clamp(
  { capture, tunnel }: Path,
  direction: 'to-tunnel' | 'to-capture',
  { mssClamps }: DoctorFacts,
  { observed }: HostFacts,
): Finding {
  const [from, to] = direction === 'to-tunnel' ? [capture, tunnel] : [tunnel, capture];
  const asked = check('hybrid', `mss-${direction}`, `${from} → ${to}`);
  const isPath = (entry: DoctorFacts['mssClamps'][number]): boolean =>
    entry.captureInterface === capture && entry.tunnelInterface === tunnel;
  const desired = mssClamps.find(isPath);
  if (desired === undefined) return asked.pass(`${tunnel} carries all that fits ${capture}`);
  const remedy = 'See `routerctl status` for what did not land, and `nft list table inet routerd_mss`.';
  if (observed.mssClamps === undefined)
    return asked.warn('there is no table inet routerd_mss: large transfers may hang', remedy);
  const found = observed.mssClamps.find(isPath);
  if (found?.mss === desired.mss) return asked.pass(`segments of at most ${desired.mss} bytes`);
  return asked.warn(
    found === undefined
      ? 'no rule limits segments: large transfers may hang'
      : `segments of up to ${found.mss} bytes pass, more than ${desired.mss}`,
    remedy,
  );
}

function hostFirewall({ capture, tunnel }: Path, effective: readonly Resource[], host: HostFacts): readonly Finding[] {
  const asked = check('hybrid', 'host-firewall', `${capture} ↔ ${tunnel}`);
  const { iptables } = host;
  if (iptables.kind === 'unreadable') return [asked.skip(`iptables could not be read: ${iptables.detail}`)];
  const rules = iptables.value;
  const forwarded = [
    { in: capture, out: tunnel },
    { in: tunnel, out: capture },
  ].filter((way) => iptablesVerdict(rules, 'FORWARD', way) === 'drop');
  const dropped = [
    ...forwarded.map((way) => ({
      what: `FORWARD ${way.in} → ${way.out}`,
      accept: `iptables -I FORWARD -i ${way.in} -o ${way.out} -j ACCEPT`,
    })),
    ...ofKind(effective, 'WireGuardInterface')
      .filter(({ metadata }) => metadata.name === tunnel)
      .filter(({ spec }) => iptablesVerdict(rules, 'INPUT', { protocol: 'udp', port: spec.listenPort }) === 'drop')
      .map(({ spec: { listenPort } }) => ({
        what: `INPUT udp/${listenPort}`,
        accept: `iptables -I INPUT -p udp --dport ${listenPort} -j ACCEPT`,
      })),
  ];
  if (dropped.length === 0) return [asked.pass('iptables lets it pass')];
  return [
    asked.warn(
      `iptables drops ${dropped.map(({ what }) => what).join(', ')}`,
      `Accept it before the rule that drops: ${dropped.map(({ accept }) => `\`${accept}\``).join(', ')}; then keep it where your firewall is configured.`,
    ),
  ];
}

/** Each place that drops what we forward once, with the first packet that meets it. Nothing of it is ours to edit. */
function foreignTables({ claims, effective }: DoctorFacts, { nftChains, iptables }: HostFacts): readonly Finding[] {
  const all = check('hybrid', 'foreign-table', 'nftables');
  if (nftChains.kind === 'unreadable') return [all.skip(`nftables could not be read: ${nftChains.detail}`)];
  // Where iptables writes into nftables, its own check reads them in its own words.
  const chains = nftChains.value.filter(
    ({ family, table }) => !(iptables.kind === 'read' && family === 'ip' && table === 'filter'),
  );
  const found = new Map<string, Finding>();
  for (const { packet, what } of packetsOf(claims, effective))
    for (const { chain, handle, isUncertain } of nftDrops(chains, packet)) {
      const place = handle === undefined ? `${chain}, its policy` : `${chain} handle ${handle}`;
      if (found.has(place)) continue;
      const said = `${isUncertain ? 'may drop' : 'drops'} ${what}`;
      const remedy =
        handle === undefined
          ? `Add an accept to the chain: \`nft 'add rule ${chain} ${wordsOf(packet)} accept'\`, and where whoever made the table keeps it.`
          : `Put an accept before it: \`nft 'insert rule ${chain} handle ${handle} ${wordsOf(packet)} accept'\`, and where whoever made the table keeps it.`;
      found.set(place, check('hybrid', 'foreign-table', place).warn(`it ${said}; routerd does not edit it`, remedy));
    }
  return found.size === 0 ? [all.pass('no table of others drops what is forwarded here')] : [...found.values()];
}

/** Claims that are looked at: rules for single addresses are few. */
const CLAIMS_ASKED_MAX = 256;

function packetsOf(
  claims: DoctorFacts['claims'],
  effective: readonly Resource[],
): readonly { readonly packet: NewPacket; readonly what: string }[] {
  const forwarded = claims
    .filter(({ route }) => route !== undefined)
    .slice(0, CLAIMS_ASKED_MAX)
    .flatMap(({ address, captureInterface, tunnelInterface }) => {
      const capture = captureInterface === undefined ? {} : { in: captureInterface };
      const back = captureInterface === undefined ? {} : { out: captureInterface };
      return [
        {
          packet: { hook: 'forward', ...capture, out: tunnelInterface, destination: address } as const,
          what: `what goes to ${bareAddress(address)} by ${tunnelInterface}`,
        },
        {
          packet: { hook: 'forward', in: tunnelInterface, ...back, source: address } as const,
          what: `what comes from ${bareAddress(address)} by ${tunnelInterface}`,
        },
      ];
    });
  const heard = ofKind(effective, 'WireGuardInterface').map(({ metadata, spec }) => ({
    packet: { hook: 'input', protocol: 'udp', port: spec.listenPort } as const,
    what: `what peers of ${metadata.name} send to udp/${spec.listenPort}`,
  }));
  return [...forwarded, ...heard];
}

/** In the words of `nft`, between single quotes of a shell. */
function wordsOf({ in: from, out, source, destination, protocol, port }: NewPacket): string {
  return [
    ...(from === undefined ? [] : [`iifname "${from}"`]),
    ...(out === undefined ? [] : [`oifname "${out}"`]),
    ...(source === undefined ? [] : [`ip saddr ${bareAddress(source)}`]),
    ...(destination === undefined ? [] : [`ip daddr ${bareAddress(destination)}`]),
    ...(protocol === undefined || port === undefined ? [] : [`${protocol} dport ${port}`]),
  ].join(' ');
}

function forwardPolicy({ forwardPolicy: policy }: HostFacts): Finding {
  const asked = check('hybrid', 'forward-policy', 'inet routerd_filter');
  if (policy.kind === 'unreadable') return asked.skip(policy.detail);
  if (policy.value === undefined) return asked.skip('there is no such table, or no forward chain in it');
  if (policy.value !== 'drop') return asked.pass(`the policy is ${policy.value}`);
  return asked.warn(
    'what no rule accepts is dropped',
    'Declare a FirewallRule for each captured /32, or put capture and tunnel interfaces into zones that may talk.',
  );
}

/** A proxy neighbour answers without it; with it the kernel answers for everything that it has a route to elsewhere. */
function proxyArp(name: string, { observed }: HostFacts): Finding {
  const asked = check('hybrid', 'proxy-arp', name);
  const value = observed.sysctls.get(`net/ipv4/conf/${name}/proxy_arp`);
  if (value === undefined) return asked.skip(`net.ipv4.conf.${name}.proxy_arp is not readable`);
  if (value === '0') return asked.pass('it answers for captured addresses alone');
  return asked.warn(
    'proxy_arp is 1: this router answers for every address that it routes elsewhere, captured or not',
    `\`sysctl -w net/ipv4/conf/${name}/proxy_arp=0\`, and find what sets it: \`grep -rs proxy_arp /etc\`.`,
  );
}

/** The larger of `all` and the interface's own counts (Documentation/networking/ip-sysctl.rst). */
function reversePath(name: string, { observed }: HostFacts): Finding {
  const asked = check('hybrid', 'rp-filter', name);
  const [all, own] = ['all', name].map((part) => observed.sysctls.get(`net/ipv4/conf/${part}/rp_filter`));
  if (all === undefined || own === undefined) return asked.skip(`rp_filter of ${name} is not readable`);
  const value = Math.max(Number(all), Number(own));
  if (value !== 1) return asked.pass(`rp_filter is ${value}`);
  return asked.warn(
    'rp_filter is 1 (strict): packets whose answer would go another way are dropped without a word',
    `\`sysctl -w net/ipv4/conf/${name}/rp_filter=2\`, which counts more than a 1 of \`all\`, and keep it in /etc/sysctl.d.`,
  );
}
