/** Plans for a host in memory: predicted to the line, complete, and counted as people count. */
import {
  createMemoryHost,
  EMPTY_HOST_STATE,
  executionsOf,
  lower,
  MemoryLedger,
  type HostState,
  type MemoryHost,
} from '@routerd/dataplane';
import { parseResource, type Resource } from '@routerd/resources';
import { expect, test } from 'vitest';
import { applyPlan } from '../src/one-shot/apply-plan.ts';
import { changedLines } from '../src/one-shot/host-lines.ts';
import { effectOf, planHost, type HostPlan } from '../src/one-shot/host-plan.ts';
import { countsOf, planText } from '../src/one-shot/plan-report.ts';

function resource(group: string, kind: string, name: string, spec: object): Resource {
  const parsed = parseResource({ apiVersion: `${group}.routerd.net/v1alpha1`, kind, metadata: { name }, spec });
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.error));
  return parsed.value;
}

const DESIRED = lower(
  [
    resource('net', 'WireGuardInterface', 'wg0', { privateKeyFile: '/k', listenPort: 51820 }),
    resource('net', 'WireGuardPeer', 'far', {
      interface: 'wg0',
      publicKey: 'A'.repeat(43).concat('='),
      allowedIPs: ['10.77.60.0/24'],
      endpoint: '203.0.113.1:51820',
    }),
    resource('net', 'IPv4StaticAddress', 'tunnel', { interface: 'wg0', address: '10.255.0.1/32' }),
    resource('net', 'IPv4Route', 'docs', { destination: '192.0.2.0/24', device: 'lan0' }),
    resource('hybrid', 'OverlayPeer', 'far', {
      role: 'cloud',
      nodeID: 'far',
      underlay: { type: 'wireguard', interface: 'wg0' },
    }),
    resource('hybrid', 'AddressMobilityDomain', 'net', { prefix: '10.77.60.0/24', mode: 'selective-address' }),
    resource('hybrid', 'RemoteAddressClaim', 'vm', {
      domainRef: 'net',
      address: '10.77.60.10/32',
      ownerSide: 'cloud',
      capture: { type: 'proxy-arp', interface: 'lan0' },
      delivery: { peerRef: 'far' },
    }),
  ],
  { isCaptureOpen: () => false },
).state;

class Once {
  readonly host: MemoryHost = createMemoryHost({
    links: [{ name: 'lan0' }],
    addresses: [{ interface: 'lan0', address: '10.77.60.2/24' }],
    sysctls: { 'net/ipv4/ip_forward': '0', 'net/ipv4/conf/all/send_redirects': '1' },
  });
  readonly ledger = new MemoryLedger();

  async plan(desired: HostState, retainSurplus = false): Promise<HostPlan> {
    const observed = await this.host.observe(desired.sysctls.map(({ path }) => path));
    if (!observed.ok) throw new Error(observed.error.detail);
    return planHost({ desired, observed: observed.value, owned: this.ledger.entries(), retainSurplus });
  }

  /** @returns the verbs in the order in which they were told */
  async apply(plan: HostPlan): Promise<readonly string[]> {
    const told: string[] = [];
    await applyPlan(plan.ops, this, ({ op, residual }) =>
      told.push(residual === undefined ? op.verb : `${op.verb} failed`),
    );
    return told;
  }
}

test('what was predicted is what the host shows, and the next plan is empty', async () => {
  const once = new Once();
  const untouched = once.host.render();
  for (const desired of [DESIRED, EMPTY_HOST_STATE]) {
    const plan = await once.plan(desired);
    expect(await once.apply(plan)).toEqual(plan.ops.map(({ verb }) => verb));
    // A device that is made brings settings of its own along, which nobody reads before it is there.
    const surprises = changedLines(plan.after, once.host.shown()).filter((line) => !/^\+sysctl .*\/wg0\//.test(line));
    expect(surprises).toEqual([]);
    expect((await once.plan(desired)).ops).toEqual([]);
    expect(once.host.needless).toEqual([]);
  }
  expect(once.host.render()).toEqual(untouched);
});

test('a plan counts what it adds, changes and removes, and shows the lines that differ', async () => {
  const once = new Once();
  const plan = await once.plan(DESIRED);
  expect(countsOf(plan)).toEqual({
    add: plan.ops.filter((op) => effectOf(op, plan.before) === 'add').length,
    change: plan.ops.filter(({ verb }) => verb === 'sysctl-set').length,
    remove: 0,
  });
  const text = planText({ plan, problems: [{ subject: 'Plugin/x', reason: 'It is bad.' }], notes: [] }, true);
  expect(text).toMatch(/^set aside: Plugin\/x: It is bad\.\n\n {2}\+ ip link add wg0 type wireguard; /);
  expect(text).toContain('\n  ! arping -A -I lan0 -s 10.77.60.10 10.77.60.10\n');
  expect(text).toContain('\n+route 192.0.2.0/24 dev lan0 metric 0\n');
  expect(text).toContain('\n-sysctl net/ipv4/ip_forward=0\n+sysctl net/ipv4/ip_forward=1\n');
  expect(text).toMatch(/\n\nPlan: 6 to add, \d+ to change, 0 to remove\.$/);
});

test('a table and a line of a file are shown once', async () => {
  const once = new Once();
  const plan = await once.plan({
    ...DESIRED,
    tables: [{ family: 'inet', name: 'routerd_filter', lines: ['chain input { }'] }],
    sysctlFiles: [{ name: 'x', content: '# routerd.owner=routerd\nnet/ipv4/ip_forward = 1\n' }],
  });
  const lines = changedLines(plan.before, plan.after);
  expect(lines).toHaveLength(new Set(lines).size);
  expect(lines.filter((line) => /^\+(table|file)/.test(line))).toEqual([
    '+file 90-routerd-x.conf: # routerd.owner=routerd',
    '+file 90-routerd-x.conf: net/ipv4/ip_forward = 1',
    expect.stringMatching(/^\+table inet routerd_filter [0-9a-f]{12}$/),
  ]);
});

test('of a desired state that is known to be incomplete nothing is removed', async () => {
  const once = new Once();
  await once.apply(await once.plan(DESIRED));
  expect((await once.plan(EMPTY_HOST_STATE, true)).ops).toEqual([]);
});

test('an op that fails is told and left over; the others land, and it is planned again', async () => {
  const once = new Once();
  once.host.failOn('route-add', { code: 'host.refused', detail: 'no', retry: 'later' });
  const told = await once.apply(await once.plan(DESIRED));
  expect(told.filter((verb) => verb === 'route-add failed')).toHaveLength(2);
  expect(told).toContain('proxy-neighbor-add');
  once.host.failOn('route-add', undefined);
  expect((await once.plan(DESIRED)).ops.map(({ verb }) => verb)).toEqual(['route-add', 'route-add']);
});

test('the value that was there before is recorded before it is changed', async () => {
  const once = new Once();
  once.host.failOn('sysctl-set', { code: 'host.failed', detail: 'no', retry: 'later' });
  await once.apply(await once.plan(DESIRED));
  expect(once.ledger.entries()).toContainEqual({ key: 'sysctl:net/ipv4/ip_forward', priorValue: '0' });
});

test('a plan shows to the letter what is run, its input, and files with mode and digest; a key by its file alone', async () => {
  const once = new Once();
  const plan = await once.plan({
    ...DESIRED,
    sysctlFiles: [{ name: 'x', content: '# routerd.owner=routerd\nnet/ipv4/ip_forward = 1\n' }],
  });
  const lines = planText({ plan, problems: [], notes: [] }, false)
    .split('\n')
    .map((line) => line.trim());
  expect(lines).toContain('run ip link add dev wg0 type wireguard');
  expect(lines).toContain('run wireguard-go wg0 # if the kernel has no WireGuard');
  expect(lines).toContain('run wg genkey > /k (mode 0600) # if there is no such file');
  expect(lines).toContainEqual(expect.stringMatching(/^run wg set wg0 private-key \/dev\/stdin .* < \/k$/));
  expect(lines).toContain('run arping -q -A -c 2 -I lan0 -s 10.77.60.10 10.77.60.10');
  expect(lines).toContain('run nft -f -');
  expect(lines).toContain('| table inet routerd_mss');
  expect(lines).toContain(
    'write /etc/sysctl.d/90-routerd-x.conf (mode 0644, sha256:fd2307392f35bde437d98a0409bdd6f2eb88780a1c266dc4ee46aaddfbd22f82)',
  );
  const operations = plan.ops.map((op) => [op.verb, executionsOf(op, plan.before)] as const);
  expect(operations.filter(([verb]) => verb === 'route-add').map(([, executions]) => executions)).toEqual([
    [{ kind: 'ip-batch', line: 'route add 10.77.60.10/32 proto 84 metric 120 dev wg0' }],
    [{ kind: 'ip-batch', line: 'route add 192.0.2.0/24 proto 84 dev lan0' }],
  ]);
  expect(operations.every(([, executions]) => executions.length > 0)).toBe(true);
});
