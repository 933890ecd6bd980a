/**
 *   router lan0 10.77.60.2 ──── lan0 10.77.60.3 rival
 */
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { hostAddressOf, parseIpv4, type Ipv4 } from '@routerd/resources';
import { RecordingLog, systemClock } from '@routerd/runtime';
import { expect, test } from 'vitest';
import { createKeepalived } from '../src/adapters/linux/keepalived.ts';
import type { VirtualRouter, Vrrp } from '../src/vrrp/virtual-router.ts';
import { vrrpContract, type VrrpRig } from '../src/vrrp/vrrp-contract.ts';
import { cable, makeNamespace, type Namespace } from './namespace-rig.ts';

async function openKeepalivedRig(): Promise<VrrpRig & { readonly router: Namespace }> {
  const [router, rivalHost] = [await makeNamespace('v'), await makeNamespace('w')];
  const directory = await mkdtemp(path.join(tmpdir(), 'vrrp-'));
  await cable(router, 'lan0', rivalHost, 'lan0');
  await router.batch('addr add 10.77.60.2/24 dev lan0');
  await rivalHost.batch('addr add 10.77.60.3/24 dev lan0');
  const opened: Vrrp[] = [];
  const open = (namespace: Namespace, name: string): Vrrp => {
    const vrrp = createKeepalived({
      clock: systemClock,
      log: new RecordingLog(),
      directory: path.join(directory, name),
      commandPrefix: ['ip', 'netns', 'exec', namespace.name],
    });
    opened.push(vrrp);
    return vrrp;
  };
  const rival = open(rivalHost, 'rival');
  return {
    router,
    directory,
    vrrp: open(router, 'router'),
    reopen: () => open(router, 'router'),
    setRival: async (presence, priority = 200) =>
      rival.setDesired(presence === 'enters' ? [routerOf('10.77.60.2', priority)] : []),
    kill: async () => {
      for (const file of ['vrrp.pid', 'keepalived.pid'])
        process.kill(Number(await readFile(path.join(directory, 'router', file), 'utf8')), 'SIGKILL');
    },
    elect: async () => undefined,
    addresses: async () => router.run('ip', '-4', '-o', 'addr', 'show', 'dev', 'lan0'),
    dispose: async () => {
      for (const vrrp of opened.splice(0)) await vrrp.stop();
      await router.remove();
      await rivalHost.remove();
      await rm(directory, { recursive: true, force: true });
    },
  };
}

function routerOf(peer: string, priority: number, passwordFile?: string): VirtualRouter {
  return {
    name: 'lan-gateway',
    interface: 'lan0',
    address: hostAddressOf(quad('10.77.60.1')),
    virtualRouterId: 77,
    priority,
    preempt: true,
    advertIntervalMs: passwordFile === undefined ? 300 : 1000,
    trackedLinks: [],
    peers: [quad(peer)],
    passwordFile,
  };
}

function quad(text: string): Ipv4 {
  const parsed = parseIpv4(text);
  if (!parsed.ok) throw new Error(parsed.error.code);
  return parsed.value;
}

vrrpContract('keepalived', openKeepalivedRig);

test('the password stands in a file of its owner alone, and in no command line', async () => {
  const rig = await openKeepalivedRig();
  try {
    const passwordFile = path.join(rig.directory, 'password');
    await writeFile(passwordFile, 'hush-hush\n', { mode: 0o644 });
    rig.vrrp.setDesired([routerOf('10.77.60.3', 150, passwordFile)]);
    await expect.poll(() => rig.vrrp.fault()?.detail, { timeout: 5000 }).toContain('may be read by others');
    await rm(passwordFile);
    await writeFile(passwordFile, 'hush-hush\n', { mode: 0o600 });
    await expect.poll(() => rig.vrrp.role('lan-gateway'), { timeout: 20_000 }).toBe('master');
    expect(rig.vrrp.fault()).toBeUndefined();
    const configuration = path.join(rig.directory, 'router', 'keepalived.conf');
    expect((await stat(configuration)).mode & 0o777).toBe(0o600);
    expect(await readFile(configuration, 'utf8')).toContain('auth_pass hush-hus\n');
    const pids = (await rig.router.run('ip', 'netns', 'pids', rig.router.name)).split('\n').filter((pid) => pid !== '');
    const commandLines = await Promise.all(
      pids.map(async (pid) => readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')),
    );
    expect(commandLines.join('\n')).toContain('keepalived');
    expect(commandLines.join('\n')).not.toContain('hush');
  } finally {
    await rig.dispose();
  }
}, 60_000);
