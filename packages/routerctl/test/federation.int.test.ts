/** What a user is told about the group: a daemon, a real hub, and a member that says what it may not. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { expect, onTestFinished, test } from 'vitest';
import { z } from 'zod';
import { DaemonRig } from './daemon-rig.ts';

const FORGER = path.join(import.meta.dirname, '../../federation/test/hub-with-a-forger.ts');
const status = z.object({ connected: z.boolean(), refused: z.record(z.string(), z.number()) });

function document(group: string, kind: string, name: string, spec: object): string {
  return `apiVersion: ${group}.routerd.net/v1alpha1\nkind: ${kind}\nmetadata: {name: ${name}}\nspec: ${JSON.stringify(spec)}\n`;
}

async function startForger(rig: DaemonRig) {
  const argv = ['netns', 'exec', rig.namespace, process.execPath, FORGER, path.join(rig.folder, 'hub')];
  const child = spawn('ip', argv, { stdio: ['pipe', 'pipe', 'inherit'] });
  onTestFinished(async () => {
    child.stdin.end();
    if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
  });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const said = async (): Promise<unknown> => JSON.parse(String((await lines.next()).value));
  const { publicKey } = z.object({ publicKey: z.string() }).parse(await said());
  const forge = async (): Promise<readonly string[]> => {
    child.stdin.write('forge\n');
    return z.object({ hubRefused: z.array(z.string()) }).parse(await said()).hubRefused;
  };
  return { publicKey, forge };
}

function configuration(folder: string, publicKey: string): readonly string[] {
  const capture = {
    type: 'provider-secondary-ip',
    providerRef: 'aws',
    providerMode: 'eni-secondary-ip',
    nicRef: 'eni-1',
  };
  const lan = {
    nodeRef: 'onprem-a',
    site: 'onprem',
    role: 'onprem',
    capture: { type: 'proxy-arp', interface: 'lan0' },
  };
  const cloud = { nodeRef: 'aws-a', site: 'aws', role: 'cloud', capture: { ...capture, interface: 'eth0' } };
  const overlay = { role: 'cloud', nodeID: 'aws-a', underlay: { type: 'route', interface: 'tun0' } };
  return [
    document('federation', 'EventGroup', 'demo', {
      nodeName: 'onprem-a',
      servers: ['nats://127.0.0.1:4222'],
      identity: { seedFile: path.join(folder, 'hub/node.seed') },
    }),
    document('federation', 'EventPeer', 'aws-a', { groupRef: 'demo', nodeName: 'aws-a', publicKey }),
    document('net', 'Interface', 'lan', { ifname: 'lan0' }),
    document('net', 'Interface', 'tunnel', { ifname: 'tun0' }),
    document('hybrid', 'OverlayPeer', 'aws-a', overlay),
    document('hybrid', 'CloudProviderProfile', 'aws', {
      provider: 'aws',
      region: 'r',
      capabilities: ['eni-secondary-ip'],
    }),
    document('mobility', 'MobilityPool', 'cloudedge', {
      prefix: '10.77.60.0/24',
      groupRef: 'demo',
      members: [lan, { ...cloud, placement: { group: 'aws' }, delivery: { peerRef: 'aws-a' } }],
    }),
  ];
}

test(
  'what a member may not say is refused, counted by reason and shown; what it may say is listed',
  { timeout: 240_000 },
  async () => {
    const rig = await DaemonRig.make();
    const forger = await startForger(rig);
    rig.configure(...configuration(rig.folder, forger.publicKey));
    await rig.start();
    const ask = async () => status.parse(await rig.get('/v1/federation/status'));
    await rig.eventually('a connection', async () => (await ask()).connected);
    // The hub itself refuses what is too long: no receiver ever sees it.
    expect(await forger.forge()).toEqual([expect.stringMatching(/message size exceeds maximum/)]);
    const once = (reasons: readonly string[]) => Object.fromEntries(reasons.map((reason) => [reason, 1]));
    const refused = once([
      'fact.wrong-group',
      'fact.wrong-source',
      'fact.malformed',
      'fact.superseded',
      'fact.from-the-future',
      'fact.outside-pool',
      'fact.bad-signature',
      'fact.unknown-source',
      'fact.wrong-site',
    ]);
    await rig.eventually('all refusals', async () => Object.keys((await ask()).refused).length >= 9);
    expect((await ask()).refused).toEqual(refused);

    const shown = await rig.routerctl('federation', 'status');
    expect(shown.stdout).toMatch(/^Refused: .*fact\.bad-signature 1/m);
    expect(shown.stdout).toMatch(/^Last error: +none/m);
    const metrics = await rig.routerctl('metrics', '--only', 'refused');
    expect(metrics.stdout).toContain('routerd_federation_refused_total{reason="fact.wrong-source"} 1\n');
    await tryCommands(rig);
    const list = await rig.routerctl('federation', 'event', 'list', '--source', 'aws-a');
    expect(list.stdout.split('\n').filter((line) => line.includes('aws-a'))).toHaveLength(1);
    expect(list.stdout).toContain('10.77.60.11/32');
  },
);

/** What is asked for by hand: tables and structures, exit codes, and what is said of mistakes. */
async function tryCommands(rig: DaemonRig): Promise<void> {
  const emit = async (...args: readonly string[]) => rig.routerctl('federation', 'event', 'emit', ...args);
  const watching = rig.watch('federation', 'event', 'watch', '-o', 'json');
  await rig.eventually(
    'the watcher',
    async () => (await emit('--address', '10.77.60.50')).code === 0 && watching.lines().length > 0,
  );
  expect(JSON.parse(watching.lines()[0] ?? '')).toMatchObject({ subject: '10.77.60.50/32', origin: 'operator' });
  expect((await emit('--type', 'routerd.client.ipv4.expired', '--address', '10.77.60.50/32')).code).toBe(0);

  const deliveries = await rig.routerctl('federation', 'deliveries');
  expect(deliveries.stdout).toMatch(
    /^10\.77\.60\.50\/32 +routerd\.client\.ipv4\.expired +\d+ +(sent|outbox) +<none> +aws-a +\d+s$/m,
  );
  const peers = await rig.routerctl('federation', 'peers');
  expect(peers.stdout).toMatch(/^aws-a +unheard +never +<none> +<none> +<none> +agree$/m);

  const mistakes = [
    [['--address', '10.77.60.300'], 1, 'is not an IPv4 host address'],
    [['--address', '10.78.0.1'], 1, 'outside the prefix of pool cloudedge'],
    [['--address', '10.77.60.50', '--ttl', 'soon'], 1, 'is not a duration above zero'],
    [['--address', '10.77.60.50', '--type', 'expired'], 1, 'no type of a fact'],
    [[], 2, '--address'],
  ] as const;
  await Promise.all(
    mistakes.map(async ([args, code, said]) => {
      const refused = await emit(...args);
      expect([refused.code, refused.stdout]).toEqual([code, '']);
      expect(refused.stderr).toContain(said);
    }),
  );
}
