/** What everything that speaks VRRP keeps to: run by the in-memory twin and, between network namespaces, by keepalived. */
import { hostAddressOf, parseIpv4, type Ipv4 } from '@routerd/resources';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { VirtualRouter, Vrrp, VrrpRole } from './virtual-router.ts';

/** One router on `lan0` with 10.77.60.2/24, whose only peer can be 10.77.60.3. */
export interface VrrpRig {
  readonly vrrp: Vrrp;
  /** For password files; removed with the rig. */
  readonly directory: string;
  /** As after a restart of the daemon, without a start of the host. The one before was stopped. */
  reopen(): Vrrp;
  /** @param priority 200 unless told: better than that of the router */
  setRival(presence: 'enters' | 'leaves', priority?: number): Promise<void>;
  /** What speaks VRRP dies without a farewell. */
  kill(): Promise<void>;
  /** Time for an election. */
  elect(): Promise<void>;
  /** The addresses of `lan0`; undefined where there is no such thing. */
  addresses(): Promise<string | undefined>;
  dispose(): Promise<void>;
}

const gateway: VirtualRouter = {
  name: 'lan-gateway',
  interface: 'lan0',
  address: hostAddressOf(quad('10.77.60.1')),
  virtualRouterId: 77,
  priority: 150,
  preempt: true,
  advertIntervalMs: 300,
  trackedLinks: [],
  peers: [quad('10.77.60.3')],
  passwordFile: undefined,
};
const beside: VirtualRouter = {
  ...gateway,
  name: 'beside',
  address: hostAddressOf(quad('10.77.60.20')),
  virtualRouterId: 78,
};
/** An election takes about one second. */
const ELECTION_MS = 12_000;

export function vrrpContract(name: string, open: () => Promise<VrrpRig>): void {
  describe(`${name} keeps to the contract of Vrrp`, { timeout: 60_000 }, () => {
    let rig: VrrpRig;
    beforeEach(async () => {
      rig = await open();
    });
    afterEach(async () => rig.dispose());

    async function become(role: VrrpRole, vrrp: Vrrp = rig.vrrp): Promise<void> {
      await rig.elect();
      await roleWithin(ELECTION_MS, vrrp, role);
    }

    test('no role is known of what nobody asked for, nor before anything was told', () => {
      expect(rig.vrrp.role('lan-gateway')).toBe('unknown');
      rig.vrrp.setDesired([gateway]);
      expect(rig.vrrp.role('lan-gateway')).toBe('unknown');
      expect(rig.vrrp.role('other')).toBe('unknown');
    });

    test('a router alone becomes master, and says so', async () => {
      let told = 0;
      rig.vrrp.onChange(() => (told += 1));
      rig.vrrp.setDesired([gateway]);
      await become('master');
      expect(told).toBeGreaterThan(0);
      expect((await rig.addresses()) ?? '10.77.60.1').toContain('10.77.60.1');
    });

    test('a better router takes over, and gives back when it leaves', async () => {
      rig.vrrp.setDesired([gateway]);
      await become('master');
      await rig.setRival('enters');
      await become('backup');
      expect((await rig.addresses()) ?? '').not.toContain('10.77.60.1/');
      await rig.setRival('leaves');
      await become('master');
      expect((await rig.addresses()) ?? '10.77.60.1/').toContain('10.77.60.1/');
    });

    test('no role outlives the process that speaks VRRP, nor does the address; it starts again by itself', async () => {
      rig.vrrp.setDesired([gateway]);
      await become('master');
      const seen: VrrpRole[] = [];
      rig.vrrp.onChange(() => seen.push(rig.vrrp.role('lan-gateway')));
      await rig.kill();
      await roleWithin(1000, rig.vrrp, 'unknown');
      expect(seen[0]).toBe('unknown');
      await become('master');
    });

    test('the next daemon takes over the role as it is, without an election', async () => {
      rig.vrrp.setDesired([gateway]);
      await become('master');
      await rig.vrrp.stop();
      const next = rig.reopen();
      const seen: VrrpRole[] = [];
      next.onChange(() => seen.push(next.role('lan-gateway')));
      next.setDesired([gateway]);
      await roleWithin(1000, next, 'master');
      expect(seen).not.toContain('backup');
    });

    test('a role that changed while nobody listened is known to the next daemon', async () => {
      rig.vrrp.setDesired([gateway]);
      await become('master');
      await rig.vrrp.stop();
      await rig.setRival('enters');
      await rig.elect();
      const next = rig.reopen();
      next.setDesired([gateway]);
      await become('backup', next);
      expect(next.role('lan-gateway')).toBe('backup');
    });

    test('a router keeps its role, and a backup beside it begins, whatever of its priority, interval and peers changes', async () => {
      rig.vrrp.setDesired([gateway]);
      await become('master');
      const seen: VrrpRole[] = [];
      rig.vrrp.onChange(() => seen.push(rig.vrrp.role('lan-gateway')));
      const trackedLinks = [{ interface: 'lo', penalty: 20 }];
      const changed = { ...gateway, priority: 120, advertIntervalMs: 400, trackedLinks };
      rig.vrrp.setDesired([changed, beside]);
      await rig.elect();
      await roleWithin(ELECTION_MS, rig.vrrp, 'master', beside.name);
      rig.vrrp.setDesired([changed]);
      await expectWithin(5000, async () => rig.vrrp.role(beside.name) === 'unknown');
      await expectWithin(5000, async () => !((await rig.addresses()) ?? '').includes('10.77.60.20/'));
      expect(seen.every((role) => role === 'master')).toBe(true);
      expect(rig.vrrp.role('lan-gateway')).toBe('master');
      await rig.kill();
      await roleWithin(5000, rig.vrrp, 'unknown');
    });

    test('the next daemon changes what the one before it began without an election', async () => {
      rig.vrrp.setDesired([gateway]);
      await become('master');
      await rig.vrrp.stop();
      const next = rig.reopen();
      const seen: VrrpRole[] = [];
      next.onChange(() => seen.push(next.role('lan-gateway')));
      next.setDesired([{ ...gateway, priority: 120 }]);
      await roleWithin(1000, next, 'master');
      expect(seen).not.toContain('backup');
    });

    test('a priority that falls below that of another router gives it the mastership, and takes it back', async () => {
      rig.vrrp.setDesired([gateway]);
      await become('master');
      await rig.setRival('enters', 100);
      await rig.elect();
      expect(rig.vrrp.role('lan-gateway')).toBe('master');
      rig.vrrp.setDesired([{ ...gateway, priority: 50 }]);
      await become('backup');
      rig.vrrp.setDesired([gateway]);
      await become('master');
    });

    test('an address that is not desired any more has no role and leaves the host', async () => {
      rig.vrrp.setDesired([gateway]);
      await become('master');
      rig.vrrp.setDesired([]);
      await roleWithin(5000, rig.vrrp, 'unknown');
      await expectWithin(5000, async () => !((await rig.addresses()) ?? '').includes('10.77.60.1/'));
      expect(rig.vrrp.fault()).toBeUndefined();
    });
  });
}

async function roleWithin(
  milliseconds: number,
  vrrp: Vrrp,
  role: VrrpRole,
  name: string = gateway.name,
): Promise<void> {
  await expectWithin(
    milliseconds,
    async () => vrrp.role(name) === role,
    () => `role of ${name} is ${vrrp.role(name)}, not ${role}: ${vrrp.fault()?.detail ?? 'no fault'}`,
  );
}

async function expectWithin(
  milliseconds: number,
  holds: () => Promise<boolean>,
  otherwise: () => string = () => 'it did not come about',
): Promise<void> {
  const deadline = performance.now() + milliseconds;
  while (!(await holds())) {
    if (performance.now() > deadline) throw new Error(`${otherwise()} after ${milliseconds} ms`);
    await new Promise((resolve) => {
      setTimeout(resolve, 10);
    });
  }
}

function quad(text: string): Ipv4 {
  const parsed = parseIpv4(text);
  if (!parsed.ok) throw new Error(parsed.error.code);
  return parsed.value;
}
