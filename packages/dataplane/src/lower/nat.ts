/** NAT44Rules → table `ip routerd_nat`. Mobile addresses are never translated on the way to each other. */
import { ofKind, type Resource, type ResourceOf } from '@routerd/resources';
import { byText, compareText } from '../text-order.ts';
import { addressMatch, interfaceSet, type LoweredTables } from './firewall.ts';

type Rule = ResourceOf<'NAT44Rule'>;

export function lowerNat(resources: readonly Resource[]): LoweredTables {
  const rules = ofKind(resources, 'NAT44Rule').toSorted(byText(({ metadata }) => metadata.name));
  if (rules.length === 0) return { tables: [], problems: [] };
  const mobile = [
    ...new Set(
      [...ofKind(resources, 'MobilityPool'), ...ofKind(resources, 'AddressMobilityDomain')].map(
        ({ spec }) => spec.prefix,
      ),
    ),
  ].toSorted(compareText);
  const lines = [
    'chain postrouting {',
    '  type nat hook postrouting priority srcnat; policy accept;',
    ...mobile.map((prefix) => `  ip saddr ${prefix} ip daddr ${prefix} accept comment "mobile addresses keep theirs"`),
    ...rules.flatMap(translations).map((line) => `  ${line}`),
    '}',
  ];
  return { tables: [{ family: 'ip', name: 'routerd_nat', lines }], problems: [] };
}

/** The first rule that matches translates. */
function translations(rule: Rule): readonly string[] {
  const { outboundInterface, sourceCIDRs, translation } = rule.spec;
  const match = [`oifname ${interfaceSet([outboundInterface])}`, ...addressMatch('saddr', sourceCIDRs)].join(' ');
  const comment = `comment "${`NAT44Rule/${rule.metadata.name}`.slice(0, 120)}"`;
  switch (translation.type) {
    case 'interfaceAddress':
      return withPorts(match, 'masquerade', translation.portMapping, comment);
    case 'address':
      return withPorts(match, `snat to ${translation.address}`, translation.portMapping, comment);
    case 'pool': {
      const addresses = [...new Set(translation.addresses)];
      // A source keeps the address that its hash gives it, so that its flows look like one host's.
      return addresses.flatMap((address, index) =>
        withPorts(
          addresses.length === 1
            ? match
            : `${match} jhash ip saddr mod ${addresses.length} seed ${HASH_SEED} == ${index}`,
          `snat to ${address}`,
          translation.portMapping,
          comment,
        ),
      );
    }
  }
}

/** One for all rules of a pool, and the same every time: without it the kernel draws one for each rule, and a source can match none of them. */
const HASH_SEED = '0x726f7574';

type PortMapping = Rule['spec']['translation']['portMapping'];

/** The kernel keeps a source port that is free, which is what `auto` and `preserve` ask for. A range is for what has ports; the rest is translated without. */
function withPorts(match: string, target: string, ports: PortMapping, comment: string): readonly string[] {
  const plain = `${match} ${target} ${comment}`;
  if (ports.type !== 'range') return [plain];
  const separator = target === 'masquerade' ? ' to :' : ':';
  return [`${match} meta l4proto { tcp, udp } ${target}${separator}${ports.from}-${ports.to} ${comment}`, plain];
}
