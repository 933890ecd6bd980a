import { instant, ofKind } from '@routerd/resources';
import { ManualClock, RecordingLog } from '@routerd/runtime';
import { expect, test } from 'vitest';
import { createMemoryHost, type MemoryHost } from '../src/adapters/memory/memory-host.ts';
import { MemoryLedger } from '../src/adapters/memory/memory-ledger.ts';
import { EMPTY_HOST_STATE } from '../src/host-state.ts';
import { lower } from '../src/lower/lower.ts';
import { sysctlPath } from '../src/lower/sysctls.ts';
import { createHostReconciler, type HostReconciler } from '../src/reconciler/host-reconciler.ts';
import { sysctlStatus } from '../src/status/sysctl-status.ts';
import { overlayPeer, proxyArpClaim, sysctl } from './claims.ts';

const open = { isCaptureOpen: () => true };

async function keep(host: MemoryHost, ...resources: readonly ReturnType<typeof sysctl>[]): Promise<HostReconciler> {
  const ports = { ledger: new MemoryLedger(), clock: new ManualClock(instant(0)), log: new RecordingLog() };
  const reconciler = createHostReconciler({ host, ...ports });
  reconciler.start();
  reconciler.setDesired(lower(resources, open).state);
  await reconciler.settled();
  return reconciler;
}

test('a setting is written and, when its resource goes, put back', async () => {
  const host = createMemoryHost({ sysctls: { 'net/core/rmem_max': '212992' } });
  const resource = sysctl('rmem', { key: 'net.core.rmem_max', value: '4194304' });
  const reconciler = await keep(host, resource);
  expect(host.shown().sysctls.get('net/core/rmem_max')).toBe('4194304');
  const [parsed] = ofKind([resource], 'Sysctl');
  expect(parsed && sysctlStatus(parsed, reconciler.status())).toEqual({
    phase: 'Applied',
    reason: undefined,
    value: '4194304',
    changed: true,
    previousValue: '212992',
  });
  reconciler.setDesired(EMPTY_HOST_STATE);
  await reconciler.settled();
  expect(host.shown().sysctls.get('net/core/rmem_max')).toBe('212992');
  await reconciler.stop();
});

test.each([
  ['exact', '4096\t87380 6291456', '4096 87380 6291456', false],
  ['exact', '4096 87380 1', '4096 87380 6291456', true],
  ['atLeast', '100', '90', false],
  ['atLeast', '80', '90', true],
] as const)('compared %s, a kernel that shows %o needs %o written: %s', async (compare, shown, value, isWritten) => {
  const host = createMemoryHost({ sysctls: { 'net/ipv4/tcp_rmem': shown } });
  const reconciler = await keep(host, sysctl('rmem', { key: 'net.ipv4.tcp_rmem', value, compare }));
  expect(host.applied.flat().length).toBe(isWritten ? 1 : 0);
  expect(host.needless).toEqual([]);
  await reconciler.stop();
});

test('a setting that the kernel lacks is an error, or skipped where that is allowed', async () => {
  const host = createMemoryHost();
  const needed = sysctl('a', { key: 'net.ipv4.no_such', value: '1' });
  const optional = sysctl('b', { key: 'net.ipv4.no_such_either', value: '1', optional: true });
  const reconciler = await keep(host, needed, optional);
  const phases = ofKind([needed, optional], 'Sysctl').map(
    (resource) => sysctlStatus(resource, reconciler.status()).phase,
  );
  expect(phases).toEqual(['Error', 'Skipped']);
  expect(host.applied).toEqual([]);
  await reconciler.stop();
});

test('a setting that is added later is read before it is changed', async () => {
  const host = createMemoryHost({ sysctls: { 'net/core/rmem_max': '212992' } });
  const observe = host.observe.bind(host);
  // Like the real host, it shows what it is asked for.
  host.observe = async (paths = []) => {
    const reading = await observe(paths);
    const asked = new Set(paths.map((path) => path.join('/')));
    const sysctls = new Map([...host.shown().sysctls].filter(([path]) => asked.has(path)));
    return reading.ok ? { ok: true, value: { ...reading.value, sysctls } } : reading;
  };
  const reconciler = await keep(host);
  reconciler.setDesired(lower([sysctl('rmem', { key: 'net.core.rmem_max', value: '1' })], open).state);
  await reconciler.settled();
  expect(host.readings).toBe(2);
  expect(reconciler.status().owned).toEqual([{ key: 'sysctl:net/core/rmem_max', priorValue: '212992' }]);
  await reconciler.stop();
});

test('what forwarding needs wins, and that is said', () => {
  const { state, problems } = lower(
    [
      overlayPeer('aws'),
      proxyArpClaim('10.77.60.11/32', 'aws'),
      sysctl('redirects', { key: 'net.ipv4.conf.all.send_redirects', value: '1' }),
      sysctl('forward', { key: 'net.ipv4.ip_forward', value: '1' }),
    ],
    open,
  );
  expect(problems).toEqual([
    {
      resource: 'Sysctl/redirects',
      reason: 'forwarding needs net/ipv4/conf/all/send_redirects to be 0; it is kept so',
    },
  ]);
  expect(state.sysctls.filter(({ path }) => path.at(-1) === 'ip_forward')).toHaveLength(1);
});

test('an interface whose name has a dot is written with slashes', () => {
  expect(sysctlPath('net.ipv4.conf.lan0.rp_filter')).toEqual(['net', 'ipv4', 'conf', 'lan0', 'rp_filter']);
  expect(sysctlPath('net/ipv4/conf/eth0.7/rp_filter')).toEqual(['net', 'ipv4', 'conf', 'eth0.7', 'rp_filter']);
});

test('a persistent setting is a file for the next start, and may be that alone', () => {
  const { state } = lower(
    [sysctl('rp', { key: 'net/ipv4/conf/eth0.7/rp_filter', value: '2', persistent: true, runtime: false })],
    open,
  );
  expect(state.sysctls).toEqual([]);
  expect(state.sysctlFiles).toEqual([
    {
      name: 'rp',
      content: '# routerd.owner=routerd\n# Sysctl/rp; goes with it.\nnet/ipv4/conf/eth0.7/rp_filter = 2\n',
    },
  ]);
});
