/** What the programs print, kept as they printed it (iproute2 6.1, nft 1.0.6, wireguard-tools 1.0.20210914, tcpdump 4.99, Linux 6.18). */
import { describe, expect, test } from 'vitest';
import { parseArpLine } from '../src/adapters/linux/arp-line.ts';
import { faultOfText, ipAnswerOf } from '../src/adapters/linux/host-command.ts';
import { outcomeOf, verdictOn } from '../src/adapters/linux/ip-batch.ts';
import { parseAddresses, parseProxyNeighbors, parseRoutes, parseTunnels } from '../src/adapters/linux/ip-json.ts';
import { parseMonitorLine } from '../src/adapters/linux/monitor-line.ts';
import { parseMssTable, renderMssTable } from '../src/adapters/linux/mss-table.ts';
import { NftMonitorBlock } from '../src/adapters/linux/nft-watch.ts';
import { parseWireGuardDump } from '../src/adapters/linux/wireguard-dump.ts';
import { settingCommand } from '../src/adapters/linux/wireguard.ts';
import { textOfRoute } from '../src/host-slot.ts';

describe('ip -j', () => {
  test('addr show', () => {
    const shown = parseAddresses([
      {
        ifname: 'lan0',
        flags: ['BROADCAST', 'MULTICAST', 'UP', 'LOWER_UP'],
        mtu: 1500,
        link_type: 'ether',
        address: '6e:0e:99:21:a6:58',
        addr_info: [
          { family: 'inet', local: '10.77.60.2', prefixlen: 24 },
          { family: 'inet6', local: 'fe80::1', prefixlen: 64 },
        ],
      },
      { ifname: 'wg-aws', flags: ['POINTOPOINT', 'NOARP'], mtu: 1420, link_type: 'none', addr_info: [] },
      {},
    ]);
    expect(shown).toEqual({
      links: [
        { name: 'lan0', up: true, mtu: 1500, mac: '6e:0e:99:21:a6:58' },
        { name: 'wg-aws', up: false, mtu: 1420, mac: undefined },
      ],
      addresses: [{ interface: 'lan0', address: '10.77.60.2/24' }],
      hasTunnels: false,
    });
    expect(parseAddresses([{ ifname: 'gre1', flags: ['UP'], mtu: 1476, link_type: 'gre' }]).hasTunnels).toBe(true);
  });

  test('-d link show: tunnels with two ends', () => {
    const data = { local: '192.0.2.1', remote: '192.0.2.2', ttl: 64, pmtudisc: true };
    const shown = parseTunnels([
      { ifname: 'lan0', linkinfo: { info_kind: 'veth' } },
      { ifname: 'gre0', linkinfo: { info_kind: 'gre', info_data: { remote: 'any', local: 'any', ttl: 'inherit' } } },
      {
        ifname: 'gre1',
        linkinfo: { info_kind: 'gre', info_data: { ...data, ikey: '0.1.17.112', okey: '0.1.17.112' } },
      },
      { ifname: 'ipip1', linkinfo: { info_kind: 'ipip', info_data: { proto: 'ipip', ...data, ttl: 'inherit' } } },
      { ifname: 'six', linkinfo: { info_kind: 'sit', info_data: data } },
      {},
    ]);
    const ends = { local: '192.0.2.1', remote: '192.0.2.2' };
    expect(shown).toEqual([
      { name: 'gre1', mode: 'gre', ...ends, ttl: 64, key: 70_000 },
      { name: 'ipip1', mode: 'ipip', ...ends, ttl: 0, key: undefined },
    ]);
  });

  test('route show', () => {
    const routes = parseRoutes([
      { dst: '10.77.60.11', dev: 'wg-aws', protocol: '84', scope: 'link', metric: 120, flags: [] },
      { dst: 'default', gateway: '10.77.60.9', dev: 'lan0', flags: [] },
      { type: 'blackhole', dst: '10.99.0.0/24', protocol: '84', flags: [] },
      { type: 'unreachable', dst: '10.98.0.0/24', flags: [] },
    ]);
    expect(routes.map((route) => `${route.destination} ${textOfRoute(route)} ${route.metric}`)).toEqual([
      '10.77.60.11/32 dev wg-aws 120',
      '0.0.0.0/0 via 10.77.60.9 dev lan0 0',
      '10.99.0.0/24 blackhole 0',
    ]);
  });

  test('neigh show proxy', () => {
    expect(
      parseProxyNeighbors([
        { dst: '10.77.60.12', dev: 'lan0', proxy: null },
        { dst: '10.77.60.11', dev: 'lan0', proxy: null, protocol: '84' },
        { dst: '2001:db8::1', dev: 'lan0', proxy: null },
      ]),
    ).toEqual([
      { address: '10.77.60.12/32', interface: 'lan0', ours: false },
      { address: '10.77.60.11/32', interface: 'lan0', ours: true },
    ]);
  });
});

describe('ip -batch', () => {
  test('names the line that failed', () => {
    expect(verdictOn('Command failed -:17')).toBe(17);
    expect(verdictOn('Cannot find device "nope"')).toBeUndefined();
  });

  const lines = ['route add x', 'route add y', 'neigh del proxy z', 'route del w'];
  const answer = { failed: new Map([[1, 'Cannot find device "nope"']]), ended: true, said: 'RTNETLINK answers: ?' };

  test('is known to end early only at a neighbour', () => {
    expect(outcomeOf(lines, answer)).toEqual({
      endedEarly: true,
      lines: [undefined, { text: 'Cannot find device "nope"' }, undefined, undefined],
    });
    const others = outcomeOf(
      lines.filter((line) => !line.startsWith('neigh')),
      answer,
    );
    expect(others.endedEarly).toBe(false);
    expect(others.lines.every((line) => line !== undefined)).toBe(true);
  });

  test('that came to its end leaves no doubt about any line', () => {
    expect(outcomeOf(lines, { ...answer, ended: false }).lines).toEqual([
      undefined,
      { text: 'Cannot find device "nope"' },
      undefined,
      undefined,
    ]);
  });
});

test.each([
  ['RTNETLINK answers: File exists', 'exists'],
  ['Error: ipv4: Address already assigned.', 'exists'],
  ['RTNETLINK answers: No such process', 'absent'],
  ['RTNETLINK answers: No such file or directory', 'absent'],
  ['Error: ipv4: Address not found.', 'absent'],
  ['RTNETLINK answers: Cannot assign requested address', 'absent'],
  ['Cannot find device "wg-a"', 'no-device'],
  ['RTNETLINK answers: Operation not permitted', 'not-permitted'],
  ['Error: Unknown device type.', 'unsupported'],
  ['RTNETLINK answers: Operation not supported', 'unsupported'],
  ['Error: Device for nexthop is not up.', 'other'],
])('%s means %s', (text, answer) => {
  expect(ipAnswerOf(text)).toBe(answer);
  expect(faultOfText(text).detail).toBe(text);
});

describe('ip monitor', () => {
  test.each([
    [
      '[2026-11-21T07:21:35.406976] [ROUTE]10.77.60.11 dev lan0 proto 84 scope link metric 120 ',
      { slot: 'route:10.77.60.11/32 metric 120', value: 'dev lan0' },
    ],
    [
      '[2026-11-21T07:21:35.406976] [ROUTE]Deleted 10.77.60.11 dev lan0 proto 84 scope link metric 120 ',
      { slot: 'route:10.77.60.11/32 metric 120', value: undefined },
    ],
    ['[ROUTE]default via 10.77.60.9 dev lan0 ', { slot: 'route:0.0.0.0/0 metric 0', value: 'foreign' }],
    ['[ROUTE]blackhole 10.99.0.0/24 proto 84 ', { slot: 'route:10.99.0.0/24 metric 0', value: 'blackhole' }],
    [
      '[ROUTE]10.98.0.0/24 via 10.77.60.9 dev lan0 proto 84 src 10.77.60.2 metric 7 ',
      { slot: 'route:10.98.0.0/24 metric 7', value: 'via 10.77.60.9 dev lan0 src 10.77.60.2' },
    ],
    [
      '[ADDR]3: lan0    inet 10.77.60.10/24 scope global secondary lan0\\       valid_lft forever preferred_lft forever',
      { slot: 'address:lan0/10.77.60.10/24', value: 'present' },
    ],
    [
      '[ADDR]Deleted 3: lan0    inet 10.77.60.10/24 scope global secondary lan0\\       valid_lft forever',
      { slot: 'address:lan0/10.77.60.10/24', value: undefined },
    ],
    [
      '[2026-11-21T08:40:18.504830] [NETCONF]inet all forwarding on ',
      { slot: 'sysctl:net/ipv4/ip_forward', value: '1' },
    ],
    ['[NETCONF]inet all forwarding off ', { slot: 'sysctl:net/ipv4/ip_forward', value: '0' }],
  ])('%s', (line, change) => {
    expect(parseMonitorLine(line)).toMatchObject({ kind: 'changed', change });
  });

  test.each([
    [
      '[NEIGH]10.77.60.100 dev lan0 lladdr 62:42:68:03:be:c3 STALE ',
      { address: '10.77.60.100/32', interface: 'lan0', mac: '62:42:68:03:be:c3', reachable: true },
    ],
    ['[NEIGH]10.77.60.100 dev lan0 FAILED ', { address: '10.77.60.100/32', mac: undefined, reachable: false }],
  ])('%s', (line, neighbor) => {
    expect(parseMonitorLine(line)).toMatchObject({ kind: 'neighbor', ...neighbor });
  });

  test('a link is a change of everything on it', () => {
    expect(parseMonitorLine('[LINK]Deleted 2: lan1@NONE: <BROADCAST,MULTICAST> mtu 1500 state DOWN')).toEqual({
      kind: 'changed',
      what: 'link',
    });
  });

  test.each([
    '[NETCONF]inet lan0 forwarding on ',
    '[NETCONF]inet6 all forwarding on ',
    '[NETCONF]Deleted inet lan0 ',
    '[ROUTE]local 10.77.60.2 dev lan0 table local proto kernel scope host src 10.77.60.2 ',
    '[ROUTE]broadcast 10.77.60.255 dev lan0 table local proto kernel scope link src 10.77.60.2 ',
    '[ROUTE]10.77.60.11 dev lan0 table 100 proto 84 scope link ',
    '[ROUTE]fe80::/64 dev lan0 proto kernel metric 256 pref medium',
    '[ADDR]3: lan0    inet6 fe80::1/64 scope link \\       valid_lft forever preferred_lft forever',
    '[NEIGH]10.77.60.56 dev lan0 lladdr 02:00:00:00:00:01 PERMANENT ',
    '[NEIGH]Deleted 10.77.60.55 dev lan0 INCOMPLETE ',
    '[NEIGH]Deleted 10.77.60.56 dev lan0 FAILED ',
    'Netlink message lost',
  ])('%s says nothing of interest', (line) => {
    expect(parseMonitorLine(line)).toBeUndefined();
  });
});

test('wg show all dump: devices of other namespaces and the private key are left out', () => {
  const dump = [
    'wg-aws\tPRIVATE\tg5rzSZutFNRJ5B4UCUT05SKxHfFzI1YOjBlbOIv92GU=\t51801\toff',
    'wg-aws\tPEER1\t(none)\t198.51.100.31:51801\t10.255.0.3/32,10.77.60.0/24\t1795245700\t100\t200\t5',
    'wg-aws\tPEER2\t(none)\t(none)\t(none)\t0\t0\t0\toff',
    'wg-else\tPRIVATE\tPUBLIC\t51999\toff',
    'wg-new\t(none)\t(none)\t0\toff',
  ].join('\n');
  const devices = parseWireGuardDump(dump, new Set(['wg-aws', 'wg-new']));
  expect(JSON.stringify(devices)).not.toContain('PRIVATE');
  expect(devices).toEqual([
    {
      name: 'wg-aws',
      publicKey: 'g5rzSZutFNRJ5B4UCUT05SKxHfFzI1YOjBlbOIv92GU=',
      listenPort: 51_801,
      peers: [
        {
          publicKey: 'PEER1',
          endpoint: '198.51.100.31:51801',
          allowedIPs: ['10.255.0.3/32', '10.77.60.0/24'],
          latestHandshake: 1_795_245_700,
          persistentKeepalive: 5,
        },
        { publicKey: 'PEER2', endpoint: undefined, allowedIPs: [], latestHandshake: 0, persistentKeepalive: 0 },
      ],
    },
    { name: 'wg-new', publicKey: undefined, listenPort: 0, peers: [] },
  ]);
});

test('wg set: what moves is free before it is given, and a known peer keeps its endpoint', () => {
  const peer = {
    allowedIPs: [],
    endpoint: '198.51.100.1:1',
    persistentKeepalive: 5,
    presharedKeyFile: undefined,
  };
  const device = {
    name: 'wg-aws',
    privateKeyFile: '/etc/key',
    listenPort: 51_801,
    mtu: 1420,
    peers: [
      { ...peer, publicKey: 'known' },
      { ...peer, publicKey: 'renamed' },
      { ...peer, publicKey: 'fresh' },
    ],
  };
  const command = settingCommand(device, new Set(['gone', 'known', 'renamed']), ['renamed']).join(' ');
  expect(command).toBe(
    'wg set wg-aws private-key /dev/stdin listen-port 51801 peer gone remove ' +
      'peer known persistent-keepalive 5 allowed-ips  ' +
      'peer renamed endpoint 198.51.100.1:1 persistent-keepalive 5 allowed-ips  ' +
      'peer fresh endpoint 198.51.100.1:1 persistent-keepalive 5 allowed-ips ',
  );
});

describe('nft -j list table', () => {
  const clamp = { captureInterface: 'eth0', tunnelInterface: 'wg-aws', mss: 1300 };
  const owner = { counter: { name: 'owner', comment: 'routerd:owner=dataplane' } };
  const match = (key: string, right: string) => ({ match: { op: '==', left: { meta: { key } }, right } });
  const rule = (from: string, to: string, comment: string, value = 1300) => ({
    rule: {
      comment,
      expr: [
        match('iifname', from),
        match('oifname', to),
        { match: { op: '==', left: { payload: { protocol: 'tcp', field: 'flags' } }, right: 'syn' } },
        { mangle: { key: { 'tcp option': { name: 'maxseg', field: 'size' } }, value } },
      ],
    },
  });
  const there = rule('eth0', 'wg-aws', 'routerd capture-to-tunnel');
  const back = rule('wg-aws', 'eth0', 'routerd tunnel-to-capture');

  test('tells a clamp by its two rules', () => {
    expect(parseMssTable({ nftables: [{ metainfo: {} }, owner, there, back] })).toEqual({
      kind: 'ours',
      clamps: [clamp],
    });
  });

  test.each([
    ['one direction is missing', [owner, there]],
    ['the directions differ', [owner, there, rule('wg-aws', 'eth0', 'routerd tunnel-to-capture', 1200)]],
  ])('shows no clamp when %s, so that both are written again', (_, nftables) => {
    expect(parseMssTable({ nftables })).toEqual({ kind: 'ours', clamps: [] });
  });

  test('without our counter is somebody else’s', () => {
    expect(parseMssTable({ nftables: [there, back] })).toEqual({ kind: 'foreign' });
  });

  test('the table is written for both directions in one transaction', () => {
    expect(renderMssTable([clamp])).toMatchInlineSnapshot(`
      "table inet routerd_mss
      delete table inet routerd_mss
      table inet routerd_mss {
        comment "routerd.owner=routerd routerd.generation=1"
        counter owner { comment "routerd:owner=dataplane"; }
        chain forward {
          type filter hook forward priority mangle; policy accept;
          iifname "eth0" oifname "wg-aws" tcp flags syn / syn,rst tcp option maxseg size set 1300 comment "routerd capture-to-tunnel"
          iifname "wg-aws" oifname "eth0" tcp flags syn / syn,rst tcp option maxseg size set 1300 comment "routerd tunnel-to-capture"
        }
      }
      "
    `);
  });
});

test('nft monitor: a transaction is news when somebody else touches a table of ours', () => {
  const block = new NftMonitorBlock();
  const verdicts = [
    'add table inet filter',
    '# new generation 2 by process 2659 (nft)',
    'delete counter inet routerd_mss owner',
    'delete table inet routerd_mss',
    '# new generation 3 by process 2669 (nft)',
    'add rule ip nat postrouting masquerade comment "inet routerd_mss"',
    '# new generation 4 by process 2679 (nft)',
    'delete table inet routerd_mss',
    'add table inet routerd_mss',
    'add counter inet routerd_mss owner { comment "routerd:owner=dataplane" packets 0 bytes 0 } ',
    '# new generation 5 by process 2680 (nft)',
  ].map((line) => block.endsWith(line));
  expect(verdicts).toEqual([false, false, false, false, true, false, false, false, false, false, false]);
});

describe('tcpdump', () => {
  test.each([
    [
      '62:42:68:03:be:c3 > ff:ff:ff:ff:ff:ff, ethertype ARP (0x0806), length 42: Request who-has 10.77.60.1 tell 10.77.60.100, length 28',
      { sender: '10.77.60.100/32', mac: '62:42:68:03:be:c3', asksFor: '10.77.60.1/32' },
    ],
    [
      '62:42:68:03:be:c3 > ff:ff:ff:ff:ff:ff, ethertype ARP (0x0806), length 42: Request who-has 10.77.60.100 (ff:ff:ff:ff:ff:ff) tell 10.77.60.100, length 28',
      { sender: '10.77.60.100/32', mac: '62:42:68:03:be:c3', asksFor: '10.77.60.100/32' },
    ],
    [
      '62:42:68:03:be:c3 > ff:ff:ff:ff:ff:ff, ethertype ARP (0x0806), length 42: Reply 10.77.60.100 is-at 62:42:68:03:be:c3, length 28',
      { sender: '10.77.60.100/32', mac: '62:42:68:03:be:c3', asksFor: undefined },
    ],
  ])('%s', (line, heard) => {
    expect(parseArpLine(line)).toEqual(heard);
  });

  test.each([
    'tcpdump: verbose output suppressed, use -v[v]... for full protocol decode',
    '62:42:68:03:be:c3 > ff:ff:ff:ff:ff:ff, ethertype ARP (0x0806), length 42: [|ARP]',
    '',
  ])('"%s" is no ARP', (line) => {
    expect(parseArpLine(line)).toBeUndefined();
  });
});
