import { expect, test } from 'vitest';
import { renderTable } from '../src/adapters/linux/nft-tables.ts';
import { lower } from '../src/lower/lower.ts';
import { addressMatch } from '../src/lower/firewall.ts';
import { firewallRule, firewallZone, nat44Rule, prefix, wireGuardInterface } from './claims.ts';
import { KINDS, type Resource } from '@routerd/resources';

const open = { isCaptureOpen: () => true };

function rendered(...resources: readonly Resource[]): string {
  return lower(resources, open).state.tables.map(renderTable).join('\n');
}

test('zones, rules between them and what the roles say', () => {
  const text = rendered(
    firewallZone('wan', 'untrust', 'wan0'),
    firewallZone('lan', 'trust', 'lan1', 'lan0'),
    firewallZone('admin', 'mgmt', 'mgmt0'),
    wireGuardInterface('wg-aws'),
    firewallRule('10-mobile', {
      fromZone: 'wan',
      toZone: 'lan',
      destinationCIDRs: ['10.77.60.11/32'],
      action: 'accept',
    }),
    firewallRule('20-web', {
      fromZone: 'wan',
      toZone: 'self',
      srcCIDRs: ['10.0.0.0/8', '10.1.0.0/16', '192.168.0.0/16'],
      protocol: 'tcp',
      destinationPorts: [443, 80, 443],
      action: 'accept',
      connLimit: { maxPerSource: 20 },
    }),
    firewallRule('30-ping', { protocol: 'icmp', action: 'reject', log: true, rateLimit: { perSecond: 10 } }),
    firewallRule('40-tunnels', { toZone: 'lan', protocol: 'ipip', action: 'drop' }),
  );
  expect(text).toMatchInlineSnapshot(`
    "table inet routerd_filter
    delete table inet routerd_filter
    table inet routerd_filter {
      comment "routerd.owner=routerd routerd.generation=1"
      counter owner { comment "routerd:owner=dataplane desired=52e8f74a9011ea4b listing=-"; }
      set connections_20_web { type ipv4_addr; size 65535; flags dynamic; }
      chain input {
        type filter hook input priority filter; policy accept;
        iifname "lo" accept
        ct state established,related accept
        icmpv6 type { nd-neighbor-solicit, nd-neighbor-advert, nd-router-solicit, nd-router-advert } accept
        udp dport 51820 accept comment "WireGuardInterface"
        iifname "wan0" ip saddr { 10.0.0.0/8, 192.168.0.0/16 } tcp dport { 80, 443 } ct state new add @connections_20_web { ip saddr ct count over 20 } drop comment "FirewallRule/20-web"
        iifname "wan0" ip saddr { 10.0.0.0/8, 192.168.0.0/16 } tcp dport { 80, 443 } accept comment "FirewallRule/20-web"
        iifname "wan0" drop comment "FirewallZone role untrust"
      }
      chain forward {
        type filter hook forward priority filter; policy accept;
        ct state established,related accept
        iifname "wan0" oifname { "lan0", "lan1" } ip daddr 10.77.60.11/32 accept comment "FirewallRule/10-mobile"
        iifname { "lan0", "lan1", "mgmt0", "wan0" } meta l4proto icmp limit rate 10/second burst 5 packets log prefix "routerd 30-ping " reject with icmpx admin-prohibited comment "FirewallRule/30-ping"
        iifname { "lan0", "lan1", "mgmt0", "wan0" } oifname { "lan0", "lan1" } meta l4proto 4 drop comment "FirewallRule/40-tunnels"
        iifname "wan0" drop comment "FirewallZone role untrust"
        iifname { "lan0", "lan1" } oifname "mgmt0" drop comment "FirewallZone role trust to mgmt"
      }
    }
    "
  `);
});

test('translation to the interface, to an address, to a pool, and with a range of ports', () => {
  const pool = KINDS.AddressMobilityDomain.parse({
    apiVersion: 'hybrid.routerd.net/v1alpha1',
    kind: 'AddressMobilityDomain',
    metadata: { name: 'shared' },
    spec: { prefix: '10.77.60.0/24', mode: 'selective-address' },
  });
  const text = rendered(
    pool,
    nat44Rule('a', {
      outboundInterface: 'wan0',
      sourceCIDRs: ['10.0.0.0/8'],
      translation: { type: 'interfaceAddress' },
    }),
    nat44Rule('b', {
      outboundInterface: 'wan1',
      sourceCIDRs: ['10.0.0.0/8', '192.168.0.0/16'],
      translation: { type: 'address', address: '192.0.2.1', portMapping: { type: 'preserve' } },
    }),
    nat44Rule('c', {
      outboundInterface: 'wan2',
      sourceCIDRs: ['10.0.0.0/8'],
      translation: {
        type: 'pool',
        addresses: ['192.0.2.1', '192.0.2.2'],
        portMapping: { type: 'range', from: 1024, to: 2047 },
      },
    }),
    nat44Rule('d', {
      outboundInterface: 'wan3',
      sourceCIDRs: ['10.0.0.0/8'],
      translation: { type: 'interfaceAddress', portMapping: { type: 'range', from: 1024, to: 2047 } },
    }),
  );
  expect(text).toMatchInlineSnapshot(`
    "table ip routerd_nat
    delete table ip routerd_nat
    table ip routerd_nat {
      comment "routerd.owner=routerd routerd.generation=1"
      counter owner { comment "routerd:owner=dataplane desired=f4084a1dfda9f9dc listing=-"; }
      chain postrouting {
        type nat hook postrouting priority srcnat; policy accept;
        ip saddr 10.77.60.0/24 ip daddr 10.77.60.0/24 accept comment "mobile addresses keep theirs"
        oifname "wan0" ip saddr 10.0.0.0/8 masquerade comment "NAT44Rule/a"
        oifname "wan1" ip saddr { 10.0.0.0/8, 192.168.0.0/16 } snat to 192.0.2.1 comment "NAT44Rule/b"
        oifname "wan2" ip saddr 10.0.0.0/8 jhash ip saddr mod 2 seed 0x726f7574 == 0 meta l4proto { tcp, udp } snat to 192.0.2.1:1024-2047 comment "NAT44Rule/c"
        oifname "wan2" ip saddr 10.0.0.0/8 jhash ip saddr mod 2 seed 0x726f7574 == 0 snat to 192.0.2.1 comment "NAT44Rule/c"
        oifname "wan2" ip saddr 10.0.0.0/8 jhash ip saddr mod 2 seed 0x726f7574 == 1 meta l4proto { tcp, udp } snat to 192.0.2.2:1024-2047 comment "NAT44Rule/c"
        oifname "wan2" ip saddr 10.0.0.0/8 jhash ip saddr mod 2 seed 0x726f7574 == 1 snat to 192.0.2.2 comment "NAT44Rule/c"
        oifname "wan3" ip saddr 10.0.0.0/8 meta l4proto { tcp, udp } masquerade to :1024-2047 comment "NAT44Rule/d"
        oifname "wan3" ip saddr 10.0.0.0/8 masquerade comment "NAT44Rule/d"
      }
    }
    "
  `);
});

test('a rule that names a zone which does not exist costs only itself', () => {
  const { state, problems } = lower(
    [
      firewallZone('wan', 'untrust', 'wan0'),
      firewallRule('a', { fromZone: 'lan', action: 'accept' }),
      firewallRule('b', { fromZone: 'wan', protocol: 'icmp', action: 'accept' }),
    ],
    open,
  );
  expect(problems).toEqual([{ resource: 'FirewallRule/a', reason: 'there is no FirewallZone lan' }]);
  expect(state.tables[0]?.lines.some((line) => line.includes('FirewallRule/b'))).toBe(true);
});

test('an interface is in the first of two zones, and a rule for a zone without any is set aside', () => {
  const { state, problems } = lower(
    [
      firewallZone('a', 'trust', 'lan0'),
      firewallZone('b', 'untrust', 'lan0'),
      firewallRule('r', { fromZone: 'b', action: 'accept' }),
    ],
    open,
  );
  expect(problems).toEqual([{ resource: 'FirewallRule/r', reason: 'one of its zones has no interface of its own' }]);
  expect(state.tables[0]?.lines.join(' ')).not.toContain('drop');
});

test('rules without any zone filter nothing, and that is said', () => {
  const { state, problems } = lower([firewallRule('r', { action: 'drop' })], open);
  expect(state.tables).toEqual([]);
  expect(problems).toEqual([
    { resource: 'FirewallRule/r', reason: 'there is no FirewallZone, so nothing is filtered' },
  ]);
});

test('prefixes that others contain are left out: nft refuses overlapping intervals', () => {
  expect(addressMatch('saddr', ['10.1.0.0/16', '10.0.0.0/8', '10.0.0.0/8'].map(prefix))).toEqual([
    'ip saddr 10.0.0.0/8',
  ]);
});
