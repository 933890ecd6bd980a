/** doctor on a real host: what is broken there on purpose is found, and passes when it is mended. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { z } from 'zod';
import { DaemonRig } from './daemon-rig.ts';

const run = promisify(execFile);
const report = z.object({
  summary: z.object({ overall: z.string(), fail: z.number() }),
  checks: z.array(z.object({ code: z.string(), name: z.string(), status: z.string(), detail: z.string() })),
});

function document(group: string, kind: string, name: string, spec: object): string {
  return `apiVersion: ${group}.routerd.net/v1alpha1\nkind: ${kind}\nmetadata: {name: ${name}}\nspec: ${JSON.stringify(spec)}\n`;
}

const CLAIM = { domainRef: 'lan', ownerSide: 'cloud', delivery: { peerRef: 'cloud' } };

async function makeRouter(): Promise<DaemonRig> {
  const rig = await DaemonRig.make();
  const ip = async (...args: readonly string[]): Promise<unknown> => run('ip', ['-n', rig.namespace, ...args]);
  await ip('link', 'add', 'lan0', 'type', 'veth', 'peer', 'name', 'client0');
  await ip('link', 'add', 'tun0', 'type', 'ifb');
  for (const link of ['lan0', 'client0', 'tun0']) await ip('link', 'set', link, 'up');
  await ip('addr', 'add', '10.77.60.2/24', 'dev', 'lan0');
  rig.configure(
    document('net', 'Interface', 'lan', { ifname: 'lan0' }),
    document('net', 'Interface', 'tunnel', { ifname: 'tun0', mtu: 1400 }),
    document('hybrid', 'OverlayPeer', 'cloud', {
      role: 'cloud',
      nodeID: 'cloud',
      underlay: { type: 'route', interface: 'tun0' },
    }),
    document('hybrid', 'AddressMobilityDomain', 'lan', { prefix: '10.77.60.0/24', mode: 'selective-address' }),
    document('hybrid', 'RemoteAddressClaim', 'client', {
      ...CLAIM,
      address: '10.77.60.10/32',
      capture: { type: 'proxy-arp', interface: 'lan0' },
    }),
  );
  return rig;
}

/** What doctor says of one check; the exit code goes with failures. */
async function statusOf(rig: DaemonRig, code: string): Promise<string | undefined> {
  const { checks } = await ask(rig, 'hybrid');
  return checks.find((finding) => finding.code === code)?.status;
}

async function ask(rig: DaemonRig, ...args: readonly string[]): Promise<z.output<typeof report>> {
  const ended = await rig.routerctl('doctor', ...args, '-o', 'json');
  const said = report.parse(JSON.parse(ended.stdout));
  expect(ended.code).toBe(said.summary.fail > 0 ? 1 : 0);
  if (said.summary.fail > 0) expect(ended.stderr).toContain('doctor found failing checks');
  return said;
}

test('a sound router passes; what is broken on its host is found, and passes again', { timeout: 120_000 }, async () => {
  const rig = await makeRouter();
  const inside = async (...argv: readonly string[]): Promise<unknown> =>
    run('ip', ['netns', 'exec', rig.namespace, ...argv]);
  await inside('sysctl', '-qw', 'net.ipv4.conf.all.rp_filter=0', 'net.ipv4.conf.lan0.rp_filter=0');
  await inside('sysctl', '-qw', 'net.ipv4.conf.tun0.rp_filter=0');
  await rig.start();
  await rig.eventually('the route', async () => (await rig.routes()).length === 1);
  const before = await ask(rig, 'hybrid');
  expect(before.checks.filter(({ status }) => status === 'warn' || status === 'fail')).toEqual([]);

  // routerd itself mends nothing of these: they are not its own.
  const breakages = [
    [
      'hybrid.rp-filter',
      'warn',
      ['sysctl', '-qw', 'net.ipv4.conf.lan0.rp_filter=1'],
      ['sysctl', '-qw', 'net.ipv4.conf.lan0.rp_filter=0'],
    ],
    [
      'hybrid.proxy-arp',
      'warn',
      ['sysctl', '-qw', 'net.ipv4.conf.lan0.proxy_arp=1'],
      ['sysctl', '-qw', 'net.ipv4.conf.lan0.proxy_arp=0'],
    ],
    [
      'hybrid.route-get',
      'warn',
      ['ip', 'rule', 'add', 'to', '10.77.60.10', 'blackhole'],
      ['ip', 'rule', 'del', 'to', '10.77.60.10', 'blackhole'],
    ],
    [
      'hybrid.forward-policy',
      'warn',
      [
        'nft',
        'add table inet routerd_filter; add chain inet routerd_filter forward { type filter hook forward priority 0; policy drop; }',
      ],
      ['nft', 'delete table inet routerd_filter'],
    ],
  ] as const;
  for (const [code, broken, breaks, mends] of breakages) {
    await inside(...breaks);
    expect([code, await statusOf(rig, code)]).toEqual([code, broken]);
    await inside(...mends);
    expect(['pass', 'skip']).toContain(await statusOf(rig, code));
  }
});

test('the table ends with remedies and counts; --no-host runs nothing on the host', { timeout: 60_000 }, async () => {
  const rig = await makeRouter();
  await rig.start();
  const { stdout, code } = await rig.routerctl('doctor', 'hybrid', '--no-host');
  expect(code).toBe(0);
  expect(stdout).toMatch(/^STATUS {2}CHECK/);
  expect(stdout).toMatch(/0 fail, \d+ warn, \d+ pass, \d+ skip\n$/);
  expect(stdout).not.toContain('hybrid.ip-forward');
  const metrics = await rig.routerctl('metrics', '--only', 'dataplane');
  expect(metrics.stdout).toMatch(/^# HELP routerd_dataplane_ops_total /);
  expect(metrics.stdout).toMatch(/^routerd_dataplane_pass_duration_seconds_count\{step="observe"\} [1-9]/m);
  expect(metrics.stdout).not.toContain('routerd_process');
  const none = await rig.routerctl('metrics', '--only', 'weather');
  expect([none.code, none.stdout]).toEqual([1, '']);
  expect(none.stderr).toContain('No metric has "weather" in its name.');
  const peers = await rig.routerctl('overlay', 'peers');
  expect(peers.stdout).toMatch(/^PEER +INTERFACE +STATE +RTT /);
  expect(peers.stdout).toMatch(/^cloud +tun0 +unmeasured /m);
  expect(peers.stdout).toContain('cloud: underlay.address');
  const [shown] = JSON.parse((await rig.routerctl('overlay', 'peers', '-o', 'json')).stdout).items;
  expect(shown).toMatchObject({
    peer: 'cloud',
    node: 'cloud',
    interface: 'tun0',
    state: 'unmeasured',
    loss: {},
    mtu: {},
  });
  const status = await rig.routerctl('status');
  expect(status.stdout).toMatch(/^Overlay: +0 of 1 paths up, cloud unmeasured$/m);
  const unknown = await rig.routerctl('doctor', 'weather');
  expect(unknown.code).toBe(1);
  expect(unknown.stderr).toContain('One of hybrid, federation, dynamic, plugin, actions');
});
