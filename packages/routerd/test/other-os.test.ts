/** On another system than Linux: plan and status work, and capture says that it does not. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { createMemoryExecutor, createMemoryJournal } from '@routerd/actions';
import { createUnsupportedHost, MemoryLedger } from '@routerd/dataplane';
import { MemoryHighWaterStore } from '@routerd/federation';
import { instant, type Resource } from '@routerd/resources';
import { ManualClock, RecordingLog } from '@routerd/runtime';
import { run } from '@stricli/core';
import { expect, onTestFinished, test } from 'vitest';
import { application } from '../src/application.ts';
import { composeNode, nodeSettings } from '../src/index.ts';
import { resourceViews } from '../src/views/resource-view.ts';
import { statusView } from '../src/views/status-view.ts';
import { resource } from './doctor-facts.ts';

const SENTENCE = 'SAM capture not implemented on this OS';
const STARTUP: readonly Resource[] = [
  resource('hybrid', 'OverlayPeer', 'cloud', {
    role: 'cloud',
    nodeID: 'cloud',
    underlay: { type: 'route', interface: 'tun0' },
  }),
  resource('net', 'Interface', 'lan', { ifname: 'em0' }),
  resource('hybrid', 'AddressMobilityDomain', 'net', { prefix: '10.77.60.0/24', mode: 'selective-address' }),
  resource('hybrid', 'RemoteAddressClaim', 'vm', {
    domainRef: 'net',
    address: '10.77.60.10/32',
    ownerSide: 'cloud',
    capture: { type: 'proxy-arp', interface: 'em0' },
    delivery: { peerRef: 'cloud' },
  }),
];

async function routerd(...args: readonly string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'routerd-other-os-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const config = path.join(folder, 'router.yaml');
  writeFileSync(config, STARTUP.map((entry) => JSON.stringify(entry)).join('\n---\n'));
  const said = { stdout: '', stderr: '' };
  const shell = {
    stdout: { write: (text: string) => void (said.stdout += text) },
    stderr: { write: (text: string) => void (said.stderr += text) },
    platform: 'freebsd',
    env: {},
    exitCode: 0,
  };
  await run(application, [...args, '--config', config, '--state-dir', path.join(folder, 'state')], { process: shell });
  return { code: shell.exitCode, ...said };
}

test('plan shows what would be done on Linux, and that it is not done here', async () => {
  const planned = await routerd('plan');
  expect(planned).toMatchObject({ code: 2, stderr: '' });
  expect(planned.stdout).toContain(`note: ${SENTENCE}\n`);
  expect(planned.stdout).toContain('  + ip route add 10.77.60.10/32 proto 84 metric 120 dev tun0\n');
  expect((await routerd('apply', '--once', '--dry-run')).code).toBe(2);
});

test('apply --once refuses in those words', async () => {
  const refused = await routerd('apply', '--once');
  expect(refused).toMatchObject({ code: 1, stdout: '' });
  expect(refused.stderr).toMatch(`error: ${SENTENCE}\n`);
});

test('the daemon changes nothing, captures nothing, and says so in its status', async () => {
  const clock = new ManualClock(instant(1_800_000_000_000));
  const log = new RecordingLog();
  const settings = nodeSettings(STARTUP);
  if (!settings.ok) throw new Error(settings.error.message);
  const address = { address: '10.77.60.2', cidr: '10.77.60.2/24', netmask: '', mac: '02:00:00:00:00:01' };
  const host = createUnsupportedHost(() => ({ em0: [{ ...address, family: 'IPv4', internal: false }] }));
  const node = composeNode(settings.value, {
    clock,
    log,
    host,
    ledger: new MemoryLedger(),
    random: () => 0.5,
    executor: createMemoryExecutor(clock),
    journal: createMemoryJournal(),
    leases: { loadLeases: () => [], saveLeases: () => undefined },
    highWater: new MemoryHighWaterStore(),
    federation: () => ({ ok: false, error: { code: 'none', message: 'there is no group' } }),
  });
  if (!node.ok) throw new Error(node.error.message);
  await node.value.start();
  for (let turn = 0; turn < 200; turn += 1) await Promise.resolve();
  expect(statusView(node.value.view)).toMatchObject({
    host: { phase: 'Unsupported', reason: SENTENCE, settled: false, residuals: [], withheld: [] },
  });
  expect(node.value.host.captured()).toBeUndefined();
  expect(node.value.host.status().observed?.addresses).toEqual([{ interface: 'em0', address: '10.77.60.2/24' }]);
  const [claim] = resourceViews(node.value.view, { kind: 'RemoteAddressClaim' });
  expect(claim?.status).toMatchObject({
    captureStatus: 'CaptureUnsupported',
    reason: 'CaptureUnsupported',
    detail: SENTENCE,
  });
  expect(log.lines.filter(({ fields }) => fields['event'] === 'dataplane.host.residual')).toEqual([]);
  const stopped = node.value.stop();
  for (let turn = 0; turn < 200; turn += 1) await Promise.resolve();
  await stopped;
});
