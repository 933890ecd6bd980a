/**
 * `routerd plan` and `routerd apply --once` in a network namespace with two cabled interfaces:
 *
 *   [ lan ]--eth0 --- lan0--[ router: ov0 (overlay, no peer) ]
 *
 * What plan printed is what apply did (I8), and a second plan has nothing to do.
 */
import { execFile } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { instant, parseResource, type Resource } from '@routerd/resources';
import { RecordingLog, runCommand } from '@routerd/runtime';
import { openStore, type Store } from '@routerd/store';
import { expect, onTestFinished, test } from 'vitest';

const MAIN = path.join(import.meta.dirname, '../src/main.ts');
let made = 0;

interface Ended {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

class Router {
  readonly folder = mkdtempSync(path.join(os.tmpdir(), 'routerd-once-'));
  readonly stateDir = path.join(this.folder, 'state');
  readonly namespace = `once${process.pid}-${(made += 1)}`;

  static async make(): Promise<Router> {
    const router = new Router();
    onTestFinished(async () => router.remove());
    const { namespace } = router;
    await must('ip', 'netns', 'add', namespace);
    await must('ip', '-n', namespace, 'link', 'set', 'lo', 'up');
    for (const link of ['lan0', 'ov0']) {
      await must('ip', '-n', namespace, 'link', 'add', link, 'type', 'veth', 'peer', 'name', `${link}p`);
      await must('ip', '-n', namespace, 'link', 'set', link, 'up');
      await must('ip', '-n', namespace, 'link', 'set', `${link}p`, 'up');
    }
    await must('ip', '-n', namespace, 'addr', 'add', '10.77.60.2/24', 'dev', 'lan0');
    await must('ip', 'netns', 'exec', namespace, 'sysctl', '-qw', 'net.ipv4.ip_forward=0');
    return router;
  }

  async remove(): Promise<void> {
    rmSync(this.folder, { recursive: true, force: true });
    const pids = await must('ip', 'netns', 'pids', this.namespace);
    for (const pid of pids.split('\n').filter((line) => line !== '')) process.kill(Number(pid), 'SIGKILL');
    await must('ip', 'netns', 'del', this.namespace);
  }

  async routerd(...args: readonly string[]): Promise<Ended> {
    const config = path.join(this.folder, 'router.yaml');
    const flags = ['--config', config, '--state-dir', this.stateDir];
    const argv = ['netns', 'exec', this.namespace, process.execPath, MAIN, ...args, ...flags];
    return new Promise((resolve) => {
      execFile('ip', argv, { encoding: 'utf8', timeout: 50_000 }, (error, stdout, stderr) => {
        resolve({ code: typeof error?.code === 'number' ? error.code : 0, stdout, stderr });
      });
    });
  }

  configure(...documents: readonly string[]): void {
    writeFileSync(path.join(this.folder, 'router.yaml'), documents.join('---\n'));
  }

  /** Everything that the kernel shows of what routerd may change. */
  async shown(): Promise<readonly string[]> {
    const run = async (...argv: readonly string[]): Promise<string> =>
      must('ip', 'netns', 'exec', this.namespace, ...argv);
    const parts = [
      await run('ip', '-4', 'route'),
      await run('ip', '-4', '-o', 'addr'),
      await run('ip', 'neigh', 'show', 'proxy'),
      await run('nft', 'list', 'ruleset'),
      await run(
        'sysctl',
        '-a',
        '-r',
        '^net.ipv4.(ip_forward|ip_nonlocal_bind|conf.(all|lan0).(send|accept)_redirects|neigh.lan0.proxy_delay)',
      ),
    ];
    return parts.flatMap((text) => text.split('\n')).filter((line) => line.trim() !== '');
  }

  async withStore(work: (store: Store) => void): Promise<void> {
    const store = openStore(path.join(this.stateDir, 'routerd.db'), { log: new RecordingLog() });
    if (!store.ok) throw new Error(store.error.message);
    work(store.value);
    store.value.close();
  }
}

async function must(file: string, ...rest: readonly string[]): Promise<string> {
  const result = await runCommand([file, ...rest]);
  if (!result.ok) throw new Error(`${[file, ...rest].join(' ')}: ${result.error.code} ${result.error.stderr}`);
  return result.value.stdout;
}

/** The lines of ops: `  + ip route add …`. */
function operations({ stdout }: Ended): readonly string[] {
  return stdout.split('\n').filter((line) => /^ {2}[-+~!] /.test(line));
}

const PEER = `apiVersion: hybrid.routerd.net/v1alpha1
kind: OverlayPeer
metadata: { name: cloud }
spec: { role: cloud, nodeID: cloud-router, underlay: { type: route, interface: ov0 } }
`;
const LAN = `apiVersion: net.routerd.net/v1alpha1
kind: Interface
metadata: { name: lan }
spec: { ifname: lan0 }
`;
const DOMAIN = `apiVersion: hybrid.routerd.net/v1alpha1
kind: AddressMobilityDomain
metadata: { name: net }
spec: { prefix: 10.77.60.0/24, mode: selective-address }
`;
const claim = (host: number): string => `apiVersion: hybrid.routerd.net/v1alpha1
kind: RemoteAddressClaim
metadata: { name: vm-${host} }
spec:
  domainRef: net
  address: 10.77.60.${host}/32
  ownerSide: cloud
  capture: { type: proxy-arp, interface: lan0 }
  delivery: { peerRef: cloud }
`;
const ROUTE = `apiVersion: net.routerd.net/v1alpha1
kind: IPv4Route
metadata: { name: docs }
spec: { destination: 192.0.2.0/24, device: ov0 }
`;
const FIREWALL = `apiVersion: firewall.routerd.net/v1alpha1
kind: FirewallZone
metadata: { name: lan }
spec: { role: trust, interfaces: [lan0] }
---
apiVersion: firewall.routerd.net/v1alpha1
kind: FirewallRule
metadata: { name: ssh }
spec: { fromZone: lan, toZone: self, protocol: tcp, port: 22, action: accept }
`;
const SETTING = `apiVersion: system.routerd.net/v1alpha1
kind: Sysctl
metadata: { name: redirects }
spec: { key: net.ipv4.conf.all.accept_redirects, value: '0' }
`;
const POLICY = `apiVersion: config.routerd.net/v1alpha1
kind: DynamicOverridePolicy
metadata: { name: observed }
spec:
  allow:
    - source: Plugin/inventory
      operations: [mask]
      targets: [{ apiVersion: net.routerd.net/v1alpha1, kind: IPv4Route, name: docs }]
`;

test('what plan prints is what apply does, a second plan has nothing to do, and taking it away leaves the host as it was', async () => {
  const router = await Router.make();
  router.configure(PEER, LAN, DOMAIN, claim(10), claim(11), ROUTE, FIREWALL, SETTING);
  const untouched = await router.shown();

  const planned = await router.routerd('plan');
  expect(planned).toMatchObject({ code: 2, stderr: '' });
  expect(planned.stdout).toMatch(/^Plan: \d+ to add, \d+ to change, 0 to remove\.$/m);
  expect(operations(planned)).toContain('  + ip route add 10.77.60.10/32 proto 84 metric 120 dev ov0');
  expect(await router.shown()).toEqual(untouched);
  expect(existsSync(router.stateDir)).toBe(false);

  const applied = await router.routerd('apply', '--once');
  expect(applied).toMatchObject({ code: 0, stderr: '' });
  expect(operations(applied)).toEqual(operations(planned));
  expect(applied.stdout).toMatch(/^Applied: \d+ added, \d+ changed, 0 removed\.$/m);

  const again = await router.routerd('plan');
  expect(again.code).toBe(0);
  expect(operations(again)).toEqual([]);
  expect(again.stdout).toContain('Plan: 0 to add, 0 to change, 0 to remove.');

  router.configure(PEER, DOMAIN);
  const undoing = await router.routerd('plan', '--diff');
  expect(undoing.code).toBe(2);
  expect(undoing.stdout).toContain('\n-route 10.77.60.10/32 dev ov0 metric 120\n');
  expect(operations(await router.routerd('apply', '--once'))).toEqual(operations(undoing));
  expect(await router.shown()).toEqual(untouched);
});

test('the diff of a plan is what the kernel shows to have changed', async () => {
  const router = await Router.make();
  router.configure(PEER, LAN, DOMAIN, claim(10), ROUTE);
  const planned = await router.routerd('plan', '-o', 'json', '--diff');
  const { summary, operations: ops, diff } = JSON.parse(planned.stdout);
  expect(summary).toEqual({
    add: ops.filter((op: { effect: string }) => op.effect === 'add').length,
    change: ops.filter((op: { effect: string }) => op.effect === 'change').length,
    remove: 0,
  });
  const before = await router.shown();
  expect((await router.routerd('apply', '--once')).code).toBe(0);
  const after = await router.shown();
  const fresh = after.filter((line) => !before.includes(line)).map((line) => line.trim());
  for (const [line, shownAs] of [
    ['+route 10.77.60.10/32 dev ov0 metric 120', '10.77.60.10 dev ov0 proto 84 scope link metric 120'],
    ['+route 192.0.2.0/24 dev ov0 metric 0', '192.0.2.0/24 dev ov0 proto 84 scope link'],
    ['+neigh proxy 10.77.60.10/32 dev lan0', '10.77.60.10 dev lan0 proxy proto 84'],
    ['+sysctl net/ipv4/ip_forward=1', 'net.ipv4.ip_forward = 1'],
  ] as const) {
    expect(diff).toContain(line);
    expect(
      fresh.some((text) => text.startsWith(shownAs)),
      `${shownAs} in\n${fresh.join('\n')}`,
    ).toBe(true);
  }
});

test('a tunnel is planned whole: device, address and route in one go', async () => {
  const router = await Router.make();
  const device = `wg${process.pid}`;
  onTestFinished(() => rmSync(`/run/wireguard/${device}.sock`, { force: true }));
  router.configure(
    `apiVersion: net.routerd.net/v1alpha1
kind: WireGuardInterface
metadata: { name: ${device} }
spec: { privateKeyFile: ${path.join(router.folder, 'wg.key')}, listenPort: 51820 }
`,
    `apiVersion: net.routerd.net/v1alpha1
kind: WireGuardPeer
metadata: { name: cloud }
spec:
  interface: ${device}
  publicKey: ${Buffer.alloc(32, 7).toString('base64')}
  allowedIPs: [10.77.60.0/24, 10.255.0.2/32]
`,
    `apiVersion: net.routerd.net/v1alpha1
kind: IPv4StaticAddress
metadata: { name: tunnel }
spec: { interface: ${device}, address: 10.255.0.1/32 }
`,
    `apiVersion: hybrid.routerd.net/v1alpha1
kind: OverlayPeer
metadata: { name: cloud }
spec: { role: cloud, nodeID: cloud-router, underlay: { type: wireguard, interface: ${device} } }
`,
    LAN,
    DOMAIN,
    claim(10),
  );
  const planned = await router.routerd('plan');
  expect(operations(planned)[0]).toMatch(new RegExp(`^ {2}\\+ ip link add ${device} type wireguard; `));
  const applied = await router.routerd('apply', '--once');
  expect(applied).toMatchObject({ code: 0, stderr: '' });
  expect(operations(applied)).toEqual(operations(planned));
  expect(await router.routerd('plan')).toMatchObject({ code: 0 });
  router.configure(LAN);
  expect(operations(await router.routerd('apply', '--once')).at(-1)).toBe(`  - ip link del ${device}`);
  expect(await router.routerd('plan')).toMatchObject({ code: 0 });
});

test('stored parts count: what they add is planned, what they mask is not', async () => {
  const router = await Router.make();
  router.configure(PEER, ROUTE, POLICY);
  await router.withStore(({ parts }) => {
    parts.put({
      source: 'Plugin/inventory',
      observedAt: instant(0),
      expiresAt: instant(Date.now() + 600_000),
      resources: [found()],
      directives: [
        {
          op: 'mask',
          target: { apiVersion: 'net.routerd.net/v1alpha1', kind: 'IPv4Route', name: 'docs' },
          reason: 'r',
        },
      ],
      actionPlans: [],
    });
  });
  const planned = await router.routerd('plan');
  expect(operations(planned)).toEqual(['  + ip route add 198.51.100.0/24 proto 84 dev ov0']);
  expect(planned.stdout).toMatch(
    /^note: IPv4Route\/docs is left out: masked by DynamicConfigPart\/Plugin\/inventory until /,
  );
  await router.withStore(({ parts }) => {
    parts.withdraw('Plugin/inventory');
  });
  expect(operations(await router.routerd('plan'))).toEqual(['  + ip route add 192.0.2.0/24 proto 84 dev ov0']);
});

function found(): Resource {
  const parsed = parseResource({
    apiVersion: 'net.routerd.net/v1alpha1',
    kind: 'IPv4Route',
    metadata: { name: 'found' },
    spec: { destination: '198.51.100.0/24', device: 'ov0' },
  });
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.error));
  return parsed.value;
}

test('of a pool, whose needs follow from facts, nothing is removed, and the plan says so', async () => {
  const router = await Router.make();
  router.configure(ROUTE);
  expect((await router.routerd('apply', '--once')).code).toBe(0);
  const pool = readFileSync(
    path.join(import.meta.dirname, '../../../examples/four-sites/onprem-router-a.yaml'),
    'utf8',
  );
  router.configure(pool.replace(/^# yaml-language-server.*\n/, ''));
  const planned = await router.routerd('plan');
  expect(planned.code).toBe(2);
  expect(planned.stdout).toMatch(/^note: What MobilityPool\/\S+ needs follows from facts, which only the daemon has/m);
  expect(operations(planned).filter((line) => line.startsWith('  -'))).toEqual([]);
  expect(planned.stdout).toMatch(/^Plan: \d+ to add, \d+ to change, 0 to remove\.$/m);
});

test('while a daemon holds the state, plan and apply refuse and say whom to ask', async () => {
  const router = await Router.make();
  router.configure(PEER, ROUTE);
  const store = openStore(path.join(router.stateDir, 'routerd.db'), { log: new RecordingLog() });
  if (!store.ok) throw new Error(store.error.message);
  onTestFinished(() => store.value.close());
  const before = await router.shown();
  for (const args of [['plan'], ['apply', '--once'], ['apply', '--once', '--dry-run']]) {
    const refused = await router.routerd(...args);
    expect(refused).toMatchObject({ code: 1, stdout: '' });
    expect(refused.stderr).toBe(
      `error: A running routerd has the state in ${router.stateDir} open, and keeps this host as it is desired.\n` +
        '  Ask it with `routerctl status` and `routerctl dynamic diff`, or stop it first.\n',
    );
  }
  expect(await router.shown()).toEqual(before);
});

test('a change that the host refuses is named, the others are made, and the next plan has it still', async () => {
  const router = await Router.make();
  router.configure(PEER, ROUTE);
  await must('ip', '-n', router.namespace, 'route', 'add', '192.0.2.0/24', 'dev', 'lan0', 'metric', '0');
  router.configure(PEER, ROUTE, ROUTE.replace('name: docs', 'name: more').replace('192.0.2.0/24', '198.51.100.0/24'));
  const applied = await router.routerd('apply', '--once');
  expect(applied.code).toBe(1);
  expect(operations(applied)).toEqual(['  + ip route add 198.51.100.0/24 proto 84 dev ov0']);
  expect(applied.stderr).toMatch(/^error: ip route add 192\.0\.2\.0\/24 proto 84 dev ov0: .+/);
  expect(applied.stderr).toContain('error: 1 of 2 changes did not land.');
  const left = await router.routerd('plan');
  expect(operations(left)).toEqual(['  + ip route add 192.0.2.0/24 proto 84 dev ov0']);
});

test('invalid configuration and wrong usage are 1, never mistaken for something to do', async () => {
  const router = await Router.make();
  router.configure(ROUTE.replace('destination', 'destinatoin'));
  for (const args of [['plan'], ['apply', '--once'], ['plan', '--no-such-flag'], ['apply']]) {
    const refused = await router.routerd(...args);
    expect(refused.code, args.join(' ')).toBe(1);
    expect(refused.stderr).not.toBe('');
  }
  expect(existsSync(router.stateDir)).toBe(false);
});
