/** What every Host keeps to: run by the in-memory twin and, in a real network namespace, by the Linux adapter. */
import { hostAddressOf, parseIpv4, parseIpv4Prefix, type HostAddress, type Ipv4Prefix } from '@routerd/resources';
import { RecordingLog, systemClock } from '@routerd/runtime';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { MemoryLedger } from './adapters/memory/memory-ledger.ts';
import { diffHost } from './diff/diff-host.ts';
import type { ObservedHost } from './host-op.ts';
import {
  DELIVERY_METRIC,
  EMPTY_HOST_STATE,
  SYSCTL_FILE_MARK,
  type HostRoute,
  type HostState,
  type TunnelState,
} from './host-state.ts';
import type { Host, HostEvent } from './ports.ts';
import { cleanupHost } from './reconciler/cleanup-host.ts';
import { createHostReconciler, type HostReconciler } from './reconciler/host-reconciler.ts';
import { IP_FORWARD, proxyDelayOf } from './sysctl-names.ts';

export { vrrpContract, type VrrpRig } from './vrrp/vrrp-contract.ts';

/**
 * A host with the links `lan0` (10.77.60.2/24), `tun-a` and `tun-b`, all up, `proxy_delay` of lan0 at 80, and nothing of ours.
 * The other side of the world acts through the rig.
 */
export interface HostRig {
  readonly host: Host;
  /** For key files; removed with the rig. */
  readonly directory: string;
  /** Name of a WireGuard device that nobody else on the machine has. */
  readonly wireGuardName: string;
  /** Everything that a person could see of the host, ours or not, one line each. */
  show(): Promise<readonly string[]>;
  deleteRoute(address: HostAddress, device: string): Promise<void>;
  addAddress(interfaceName: string, address: string): Promise<void>;
  addForeignRoute(address: HostAddress, device: string, metric: number): Promise<void>;
  setLink(name: string, up: boolean): Promise<void>;
  /** Whether the kernel has tunnels of this mode. */
  hasTunnels(mode: TunnelState['mode']): Promise<boolean>;
  dispose(): Promise<void>;
}

const first = addressOf('10.77.60.11');
const second = addressOf('10.77.60.12');

const captured: HostState = {
  ...EMPTY_HOST_STATE,
  routes: [routeTo(first, 'tun-a'), routeTo(second, 'tun-b')],
  proxyNeighbors: [
    { address: first, interface: 'lan0', announce: false },
    { address: second, interface: 'lan0', announce: true },
  ],
  addresses: [{ interface: 'lo', address: '10.255.0.1/32' }],
  sysctls: [
    { path: ['net', 'ipv4', 'conf', 'all', 'send_redirects'], value: '0' },
    { path: ['net', 'ipv4', 'conf', 'lan0', 'send_redirects'], value: '0' },
    { path: IP_FORWARD, value: '1' },
    { path: ['net', 'ipv4', 'ip_nonlocal_bind'], value: '1' },
    { path: proxyDelayOf('lan0'), value: '0' },
  ],
  mssClamps: [{ captureInterface: 'lan0', tunnelInterface: 'tun-a', mss: 1300 }],
  sysctlFiles: [{ name: 'contract', content: `${SYSCTL_FILE_MARK}\nnet/ipv4/ip_forward = 1\n` }],
  tables: [
    {
      family: 'inet',
      name: 'routerd_filter',
      lines: ['chain forward {', '  type filter hook forward priority filter; policy accept;', '}'],
    },
  ],
};

export function hostContract(name: string, open: () => Promise<HostRig>): void {
  describe(`${name} keeps to the contract of Host`, () => {
    let rig: HostRig;
    let ledger: MemoryLedger;
    const started: HostReconciler[] = [];

    beforeEach(async () => {
      rig = await open();
      ledger = new MemoryLedger();
    });
    afterEach(async () => {
      for (const reconciler of started.splice(0)) await reconciler.stop();
      await rig.dispose();
    });

    async function read(): Promise<ObservedHost> {
      const reading = await rig.host.observe();
      if (!reading.ok) throw new Error(reading.error.detail);
      return reading.value;
    }
    async function become(state: HostState): Promise<void> {
      const ops = diffHost(state, await read(), ledger.entries());
      expect(await rig.host.apply(ops)).toEqual([]);
    }
    async function follow(state: HostState): Promise<HostReconciler> {
      const reconciler = createHostReconciler({ host: rig.host, ledger, clock: systemClock, log: new RecordingLog() });
      started.push(reconciler);
      reconciler.start();
      reconciler.setDesired(state);
      await reconciler.settled();
      return reconciler;
    }

    test('becomes what was desired, and the next diff is empty', async () => {
      await become(captured);
      expect(diffHost(captured, await read(), [])).toEqual([]);
    });

    test('takes every op twice', async () => {
      const ops = diffHost(captured, await read(), []);
      expect(await rig.host.apply(ops)).toEqual([]);
      expect(await rig.host.apply(ops)).toEqual([]);
      expect(diffHost(captured, await read(), [])).toEqual([]);
      const removals = diffHost(EMPTY_HOST_STATE, await read(), []);
      expect(removals.length).toBeGreaterThan(0);
      expect(await rig.host.apply(removals)).toEqual([]);
      expect(await rig.host.apply(removals)).toEqual([]);
    });

    test('moves a route from one tunnel to another in one step', async () => {
      await become(captured);
      const moved = { ...captured, routes: [routeTo(first, 'tun-b'), routeTo(second, 'tun-b')] };
      const ops = diffHost(moved, await read(), []);
      expect(ops).toEqual([{ verb: 'route-replace', route: routeTo(first, 'tun-b') }]);
      expect(await rig.host.apply(ops)).toEqual([]);
      expect(diffHost(moved, await read(), [])).toEqual([]);
    });

    test('says what did not land and does the rest', async () => {
      const residuals = await rig.host.apply([
        { verb: 'route-add', route: routeTo(first, 'tun-missing') },
        { verb: 'route-add', route: routeTo(second, 'tun-b') },
      ]);
      expect(residuals.map(({ op, fault }) => [op.verb, fault.code])).toEqual([['route-add', 'host.not-found']]);
      expect((await read()).routes.map(({ destination }) => destination)).toEqual([second]);
    });

    test('attracts nothing whose route did not land, and captures it when it did', async () => {
      const routes = [routeTo(first, 'tun-missing'), routeTo(second, 'tun-b')];
      const lost = { ...captured, routes };
      const residuals = await rig.host.apply(diffHost(lost, await read(), []));
      expect(residuals.map(({ op, fault }) => [op.verb, fault.code])).toEqual([
        ['route-add', 'host.not-found'],
        ['proxy-neighbor-add', 'host.failed'],
      ]);
      expect((await read()).proxyNeighbors.map(({ address }) => address)).toEqual([second]);
      await become(captured);
      expect((await read()).proxyNeighbors.map(({ address }) => address).toSorted()).toEqual([first, second]);
    });

    test('never takes the place of a route that is not ours', async () => {
      await rig.addForeignRoute(first, 'tun-b', DELIVERY_METRIC);
      const before = await rig.show();
      const residuals = await rig.host.apply([{ verb: 'route-add', route: routeTo(first, 'tun-a') }]);
      expect(residuals.map(({ fault }) => fault.code)).toEqual(['host.refused']);
      expect(await rig.show()).toEqual(before);
    });

    test('replaces a route of ours that a reading did not show', async () => {
      await become({ ...EMPTY_HOST_STATE, routes: [routeTo(first, 'tun-a')] });
      await rig.host.apply([{ verb: 'route-replace', route: routeTo(first, 'tun-b') }]);
      expect((await read()).routes.map(({ device }) => device)).toEqual(['tun-b']);
    });

    test('takes a captured address off an interface and leaves its neighbours', async () => {
      await rig.addAddress('lan0', '10.77.60.11/24');
      await become({ ...EMPTY_HOST_STATE, absentAddresses: [first] });
      expect((await read()).addresses).toContainEqual({ interface: 'lan0', address: '10.77.60.2/24' });
      await become({ ...EMPTY_HOST_STATE, absentAddresses: [addressOf('10.77.60.2')] });
      await rig.addAddress('lan0', '10.77.60.2/24');
      expect((await read()).addresses.filter(({ interface: link }) => link === 'lan0')).toEqual([
        { interface: 'lan0', address: '10.77.60.2/24' },
      ]);
    });

    test('cleans up to exactly what was there before', async () => {
      await rig.addForeignRoute(addressOf('10.77.60.99'), 'tun-b', 7);
      const before = await rig.show();
      await follow(captured);
      expect(await rig.show()).not.toEqual(before);
      await stopAll(started);
      expect(await cleanupHost({ host: rig.host, ledger })).toEqual({ ok: true, value: [] });
      expect(await rig.show()).toEqual(before);
      expect(ledger.entries()).toEqual([]);
    });

    test('puts a setting back to the value that was seen first', async () => {
      await follow(captured);
      await stopAll(started);
      await rig.host.apply([{ verb: 'sysctl-set', path: proxyDelayOf('lan0'), value: '40', prior: '0' }]);
      await follow(captured);
      expect((await read()).sysctls.get('net/ipv4/neigh/lan0/proxy_delay')).toBe('0');
      await stopAll(started);
      await follow(EMPTY_HOST_STATE);
      expect((await read()).sysctls.get('net/ipv4/neigh/lan0/proxy_delay')).toBe('80');
    });

    test('reports a route that somebody deletes, and the reconciler puts it back within a second', async () => {
      await follow(captured);
      await rig.deleteRoute(first, 'tun-a');
      await expectWithin(1000, async () => (await read()).routes.some(({ destination }) => destination === first));
    });

    test('a captured address that a guest agent configures again is gone within a second', async () => {
      await follow({ ...EMPTY_HOST_STATE, absentAddresses: [first] });
      await rig.addAddress('lan0', '10.77.60.11/24');
      await expectWithin(
        1000,
        async () => !(await read()).addresses.some(({ address }) => address === '10.77.60.11/24'),
      );
    });

    test('what the kernel takes with the last address of a device is put back within a second', async () => {
      const state = { ...EMPTY_HOST_STATE, routes: [routeTo(second, 'tun-a')], absentAddresses: [first] };
      await follow(state);
      await rig.addAddress('tun-a', '10.77.60.11/24');
      await expectWithin(1000, async () => {
        const { addresses, routes } = await read();
        return routes.length === 1 && !addresses.some(({ address }) => address === '10.77.60.11/24');
      });
    });

    test('a restart with the same desired state changes nothing', async () => {
      await follow(captured);
      await stopAll(started);
      const before = await rig.show();
      const restarted = await follow(captured);
      expect(restarted.status()).toMatchObject({ opsLanded: 0, settled: true, residuals: [] });
      expect(await rig.show()).toEqual(before);
    });

    test('makes a WireGuard device, changes its peers and removes it', async () => {
      const device = wireGuardDevice(rig, [peer('A', '10.0.0.0/24', '192.0.2.1:51820')]);
      await follow({ ...EMPTY_HOST_STATE, wireGuard: [device] });
      expect((await read()).wireGuard).toMatchObject([
        {
          name: rig.wireGuardName,
          listenPort: device.listenPort,
          peers: [{ allowedIPs: ['10.0.0.0/24'], endpoint: '192.0.2.1:51820', persistentKeepalive: 25 }],
        },
      ]);
      await stopAll(started);
      const restarted = await follow({ ...EMPTY_HOST_STATE, wireGuard: [device] });
      expect(restarted.status()).toMatchObject({ opsLanded: 0, settled: true });
      await stopAll(started);
      const changed = { ...device, peers: [peer('A', '10.0.1.0/24', undefined), peer('E', '10.0.2.0/24', undefined)] };
      await follow({ ...EMPTY_HOST_STATE, wireGuard: [changed] });
      const [shown] = (await read()).wireGuard;
      expect(shown?.peers.map(({ allowedIPs }) => allowedIPs.join()).toSorted()).toEqual([
        '10.0.1.0/24',
        '10.0.2.0/24',
      ]);
      // The endpoint that the peer had is WireGuard's business.
      expect(shown?.peers.find(({ allowedIPs }) => allowedIPs[0] === '10.0.1.0/24')?.endpoint).toBe('192.0.2.1:51820');
      await stopAll(started);
      expect(await cleanupHost({ host: rig.host, ledger })).toEqual({ ok: true, value: [] });
      expect((await read()).wireGuard).toEqual([]);
    });

    test('sets a link up, down and its MTU, again when somebody else changes it, and puts back what was there', async () => {
      const linksOf = async (): Promise<readonly string[]> =>
        (await read()).links.flatMap(({ name, up, mtu }) =>
          name.startsWith('tun-') ? [`${name} ${up ? 'up' : 'down'} ${mtu}`] : [],
        );
      const before = await linksOf();
      const managed: HostState = {
        ...EMPTY_HOST_STATE,
        links: [
          { name: 'tun-a', property: 'admin', value: 'up' },
          { name: 'tun-a', property: 'mtu', value: '1400' },
          { name: 'tun-b', property: 'admin', value: 'down' },
        ],
        routes: [routeTo(first, 'tun-a')],
      };
      await follow(managed);
      expect(await linksOf()).toEqual(['tun-a up 1400', 'tun-b down 1500']);
      await rig.setLink('tun-b', true);
      await expectWithin(30_000, async () => (await linksOf()).includes('tun-b down 1500'));
      expect((await read()).routes).toHaveLength(1);
      await stopAll(started);
      const restarted = await follow(managed);
      expect(restarted.status()).toMatchObject({ opsLanded: 0, settled: true });
      await stopAll(started);
      expect(await cleanupHost({ host: rig.host, ledger })).toEqual({ ok: true, value: [] });
      expect(await linksOf()).toEqual(before);
      expect(ledger.entries()).toEqual([]);
    });

    test.each(['ipip', 'gre'] as const)(
      'makes a %s tunnel, changes and removes it; a kernel without it is named, and nothing else fails',
      async (mode) => {
        const tunnel = tunnelOf(mode, '192.0.2.1');
        const state: HostState = {
          ...EMPTY_HOST_STATE,
          tunnels: [tunnel],
          addresses: [{ interface: tunnel.name, address: '10.254.0.1/30' }],
          routes: [routeTo(first, 'tun-a')],
        };
        const before = await rig.show();
        const reconciler = await follow(state);
        expect((await read()).routes).toHaveLength(1);
        if (await rig.hasTunnels(mode)) {
          const { mtu, ...shown } = tunnel;
          expect((await read()).tunnels).toEqual([shown]);
          expect((await read()).links).toContainEqual(expect.objectContaining({ name: tunnel.name, up: true, mtu }));
          expect((await read()).addresses).toContainEqual({ interface: tunnel.name, address: '10.254.0.1/30' });
          const moved = { ...tunnelOf(mode, '192.0.2.2'), ttl: 32, mtu: 1300, key: undefined };
          reconciler.setDesired({ ...state, tunnels: [moved] });
          await reconciler.settled();
          const { mtu: _, ...movedShown } = moved;
          expect((await read()).tunnels).toEqual([movedShown]);
          expect(reconciler.status()).toMatchObject({ settled: true });
          await rig.setLink(tunnel.name, false);
          await expectWithin(30_000, async () =>
            (await read()).links.some(({ name, up }) => name === tunnel.name && up),
          );
        } else {
          const fault = reconciler.status().residuals.find(({ op }) => op.verb === 'tunnel-create')?.fault;
          expect(fault?.code).toBe('host.unsupported');
          expect(fault?.detail).toContain(`the kernel has no ${mode} tunnels`);
        }
        await stopAll(started);
        expect(await cleanupHost({ host: rig.host, ledger })).toEqual({ ok: true, value: [] });
        expect((await read()).tunnels).toEqual([]);
        expect(await rig.show()).toEqual(before);
      },
    );

    test('leaves a link alone that has the name of a tunnel and is none', async () => {
      const before = await rig.show();
      const [residual] = await rig.host.apply([
        { verb: 'tunnel-create', tunnel: { ...tunnelOf('gre', '192.0.2.1'), name: 'tun-a' } },
      ]);
      expect(['host.refused', 'host.unsupported']).toContain(residual?.fault.code);
      expect(await rig.show()).toEqual(before);
      expect((await read()).links.map(({ name }) => name)).toContain('tun-a');
    });

    test('tells of its start, so that what happened before is looked at', async () => {
      const seen: HostEvent[] = [];
      const watching = rig.host.watch((event) => seen.push(event));
      await rig.addAddress('lo', '10.9.9.9/32');
      await expectWithin(1000, async () => seen.length > 0);
      await watching.stop();
      expect(seen.length).toBeGreaterThan(0);
    });
  });
}

function wireGuardDevice(rig: HostRig, peers: HostState['wireGuard'][number]['peers']): HostState['wireGuard'][number] {
  const listenPort = 40_000 + (Number.parseInt(rig.wireGuardName.replaceAll(/\D/g, '').slice(-4), 10) % 10_000);
  return { name: rig.wireGuardName, privateKeyFile: `${rig.directory}/wireguard.key`, listenPort, mtu: 1420, peers };
}

/** A public key that is valid and belongs to nobody. @param letter of the set that a last sextet may be */
function peer(
  letter: string,
  allowed: '10.0.0.0/24' | '10.0.1.0/24' | '10.0.2.0/24',
  endpoint: string | undefined,
): HostState['wireGuard'][number]['peers'][number] {
  return {
    publicKey: `${letter.repeat(42)}${letter}=`,
    allowedIPs: [parsePrefix(allowed)],
    endpoint,
    persistentKeepalive: 25,
    presharedKeyFile: undefined,
  };
}

function tunnelOf(mode: TunnelState['mode'], remote: '192.0.2.1' | '192.0.2.2'): TunnelState {
  const [from, to] = [parseIpv4('192.0.2.9'), parseIpv4(remote)];
  if (!from.ok || !to.ok) throw new Error('addresses of a test');
  return {
    name: `t-${mode}`,
    mode,
    local: from.value,
    remote: to.value,
    ttl: 64,
    key: mode === 'gre' ? 70_000 : undefined,
    mtu: 1400,
  };
}

function routeTo(destination: HostAddress, device: string): HostRoute {
  return {
    destination,
    device,
    gateway: undefined,
    preferredSource: undefined,
    metric: DELIVERY_METRIC,
    blackhole: false,
  };
}

function addressOf(quad: string): HostAddress {
  const parsed = parseIpv4(quad);
  if (!parsed.ok) throw new Error(parsed.error.code);
  return hostAddressOf(parsed.value);
}

function parsePrefix(text: string): Ipv4Prefix {
  const parsed = parseIpv4Prefix(text);
  if (!parsed.ok) throw new Error(parsed.error.code);
  return parsed.value;
}

async function stopAll(reconcilers: HostReconciler[]): Promise<void> {
  for (const reconciler of reconcilers.splice(0)) await reconciler.stop();
}

/** Looks again and again until it holds; fails past the deadline. */
async function expectWithin(milliseconds: number, holds: () => Promise<boolean>): Promise<void> {
  const deadline = performance.now() + milliseconds;
  while (!(await holds())) {
    if (performance.now() > deadline) throw new Error(`did not hold within ${milliseconds} ms`);
    await new Promise((resolve) => {
      setTimeout(resolve, 5);
    });
  }
}
