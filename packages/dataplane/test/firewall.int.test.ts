/**
 *   outside 192.0.2.2 ── wan0 [router] lan0 ── inside 10.77.60.10 and 10.77.60.11
 *
 * Real packets through zones, rules and translation.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import type { Resource } from '@routerd/resources';
import { RecordingLog, systemClock } from '@routerd/runtime';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { createLinuxHost } from '../src/adapters/linux/linux-host.ts';
import { MemoryLedger } from '../src/adapters/memory/memory-ledger.ts';
import { lower } from '../src/lower/lower.ts';
import { cleanupHost } from '../src/reconciler/cleanup-host.ts';
import { createHostReconciler, type HostReconciler } from '../src/reconciler/host-reconciler.ts';
import { firewallRule, firewallZone, nat44Rule } from './claims.ts';
import { cable, makeNamespace, type Namespace } from './namespace-rig.ts';

let outside: Namespace;
let router: Namespace;
let inside: Namespace;
let reconciler: HostReconciler;
let ledger: MemoryLedger;
const servers: ChildProcess[] = [];

beforeEach(async () => {
  [outside, router, inside] = [await makeNamespace('o'), await makeNamespace('r'), await makeNamespace('i')];
  await cable(outside, 'wan0', router, 'wan0');
  await cable(router, 'lan0', inside, 'lan0');
  await outside.batch('addr add 192.0.2.2/24 dev wan0', 'route add 10.77.60.0/24 via 192.0.2.1');
  await router.batch(
    'addr add 192.0.2.1/24 dev wan0',
    'addr add 192.0.2.3/24 dev wan0',
    'addr add 10.77.60.1/24 dev lan0',
  );
  await inside.batch(
    'addr add 10.77.60.10/24 dev lan0',
    'addr add 10.77.60.11/24 dev lan0',
    'route add default via 10.77.60.1',
  );
  await router.run('sysctl', '-qw', 'net.ipv4.ip_forward=1');
  const shared = { clock: systemClock, log: new RecordingLog() };
  ledger = new MemoryLedger();
  const host = createLinuxHost({ ...shared, commandPrefix: ['ip', 'netns', 'exec', router.name] });
  reconciler = createHostReconciler({ ...shared, host, ledger });
  reconciler.start();
});
afterEach(async () => {
  for (const server of servers.splice(0)) server.kill('SIGKILL');
  await reconciler.stop();
  for (const namespace of [outside, router, inside]) await namespace.remove();
});

async function apply(...resources: readonly Resource[]): Promise<void> {
  const { state, problems } = lower(resources, { isCaptureOpen: () => true });
  expect(problems).toEqual([]);
  reconciler.setDesired(state);
  await reconciler.settled();
  expect(reconciler.status().residuals).toEqual([]);
}

async function pings(from: Namespace, to: string): Promise<boolean> {
  return from.run('ping', '-q', '-c', '1', '-W', '1', to).then(
    () => true,
    () => false,
  );
}

/** Answers each connection with the address it came from. */
async function serve(namespace: Namespace, address: string, port: number): Promise<void> {
  const script = `require('net').createServer((s) => s.end(s.remoteAddress + ' ' + s.remotePort)).listen(${port}, '${address}', () => console.log('ready'))`;
  const child = spawn('ip', ['netns', 'exec', namespace.name, process.execPath, '-e', script], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  servers.push(child);
  await new Promise((resolve) => {
    child.stdout.once('data', resolve);
  });
}

/** @returns the address and port that the server saw; undefined when it was not reached within a second */
async function asks(from: Namespace, to: string, port: number, source?: string): Promise<string | undefined> {
  const local = source === undefined ? '' : `, localAddress: '${source}'`;
  const script = `const s = require('net').connect({ host: '${to}', port: ${port}${local} }); s.pipe(process.stdout); s.on('error', () => process.exit(1)); setTimeout(() => process.exit(1), 1000).unref()`;
  return from.run(process.execPath, '-e', script).then(
    (said) => said,
    () => undefined,
  );
}

const zones = [firewallZone('wan', 'untrust', 'wan0'), firewallZone('lan', 'trust', 'lan0')];

test('what comes from outside passes by a rule alone, and replies always', async () => {
  expect(await pings(outside, '10.77.60.10')).toBe(true);
  await apply(...zones);
  expect(await pings(outside, '10.77.60.10')).toBe(false);
  expect(await pings(outside, '192.0.2.1')).toBe(false);
  expect(await pings(inside, '192.0.2.2')).toBe(true);
  expect(await pings(inside, '10.77.60.1')).toBe(true);
  await apply(
    ...zones,
    firewallRule('mobile', { fromZone: 'wan', toZone: 'lan', destinationCIDRs: ['10.77.60.11/32'], action: 'accept' }),
  );
  expect(await pings(outside, '10.77.60.11')).toBe(true);
  expect(await pings(outside, '10.77.60.10')).toBe(false);
});

test('ports, and how many connections one address may have', async () => {
  await apply(
    ...zones,
    firewallRule('web', {
      fromZone: 'wan',
      toZone: 'lan',
      protocol: 'tcp',
      port: 8080,
      action: 'accept',
      connLimit: { maxPerSource: 2 },
    }),
  );
  await serve(inside, '10.77.60.10', 8080);
  await serve(inside, '10.77.60.10', 8081);
  expect(await asks(outside, '10.77.60.10', 8080)).toContain('192.0.2.2');
  expect(await asks(outside, '10.77.60.10', 8081)).toBeUndefined();
  const shown = await router.run('nft', 'list', 'table', 'inet', 'routerd_filter');
  expect(shown).toContain('ct count over 2');
  expect(shown).toContain('comment "routerd.owner=routerd routerd.generation=1"');
});

test('a source is translated on its way out, and a range of ports is kept to', async () => {
  await serve(outside, '192.0.2.2', 8080);
  await apply(
    nat44Rule('out', {
      outboundInterface: 'wan0',
      sourceCIDRs: ['10.77.60.10/32'],
      translation: { type: 'interfaceAddress', portMapping: { type: 'range', from: 2000, to: 2009 } },
    }),
    nat44Rule('pooled', {
      outboundInterface: 'wan0',
      sourceCIDRs: ['10.77.60.0/24'],
      translation: { type: 'pool', addresses: ['192.0.2.3', '192.0.2.1'] },
    }),
  );
  expect(await asks(inside, '192.0.2.2', 8080, '10.77.60.10')).toMatch(/192\.0\.2\.1 200\d$/);
  const first = await asks(inside, '192.0.2.2', 8080, '10.77.60.11');
  expect(first).toMatch(/192\.0\.2\.[13] \d+$/);
  const second = await asks(inside, '192.0.2.2', 8080, '10.77.60.11');
  expect(second?.split(' ')[0]).toBe(first?.split(' ')[0]);
  expect(await pings(inside, '192.0.2.2')).toBe(true);
});

test('a table that was written is left alone, one that somebody changes is written again, and all of it goes', async () => {
  const before = await router.run('nft', 'list', 'ruleset');
  const resources = [
    ...zones,
    firewallRule('ping', { fromZone: 'wan', toZone: 'self', protocol: 'icmp', action: 'accept' }),
  ];
  await apply(...resources);
  const landed = reconciler.status().opsLanded;
  await reconciler.refresh();
  expect(reconciler.status().opsLanded).toBe(landed);
  expect(await pings(outside, '192.0.2.1')).toBe(true);
  await router.run('nft', 'flush', 'chain', 'inet', 'routerd_filter', 'input');
  const deadline = performance.now() + 1000;
  while (!(await router.run('nft', 'list', 'table', 'inet', 'routerd_filter')).includes('FirewallRule/ping'))
    if (performance.now() > deadline) throw new Error('the table was not repaired within a second');
  await reconciler.stop();
  const host = createLinuxHost({
    clock: systemClock,
    log: new RecordingLog(),
    commandPrefix: ['ip', 'netns', 'exec', router.name],
  });
  // Without any memory of it, by its mark alone.
  expect(await cleanupHost({ host, ledger: new MemoryLedger() })).toEqual({ ok: true, value: [] });
  expect(await router.run('nft', 'list', 'ruleset')).toBe(before);
});

test('somebody else’s table of our name stays, and is in the way', async () => {
  await router.run('nft', 'add', 'table', 'inet', 'routerd_filter');
  const { state } = lower(zones, { isCaptureOpen: () => true });
  reconciler.setDesired(state);
  await reconciler.settled();
  expect(reconciler.status().residuals.map(({ fault }) => fault.code)).toEqual(['host.refused']);
  expect(await router.run('nft', 'list', 'table', 'inet', 'routerd_filter')).not.toContain('chain');
});
