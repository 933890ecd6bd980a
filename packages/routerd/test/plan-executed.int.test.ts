/**
 * I8, item by item: what `routerd plan` lists is what `routerd apply --once` runs and writes, in that order, and nothing else.
 *
 *   [ router namespace: lan0, wan0 (with their other ends), WireGuard to nobody ]
 *
 * Stand-ins for ip, wg, nft, arping and wireguard-go come first on PATH. Each writes down its arguments and its input, then is the real one.
 */
import { execFile, execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import type { HostExecution } from '@routerd/dataplane';
import { expect, onTestFinished, test } from 'vitest';

const MAIN = path.join(import.meta.dirname, '../src/main.ts');
const NAMESPACE = `exec${process.pid}`;
const DEVICE = `wgx${process.pid}`;
const SEARCHED = process.env['PATH'] ?? '/usr/sbin:/usr/bin:/sbin:/bin';
const IP = execFileSync('sh', ['-c', 'command -v ip'], { encoding: 'utf8' }).trim();

interface Recorded {
  readonly program: string;
  readonly argv: readonly string[];
  readonly input: string;
}

const folder = mkdtempSync(path.join(os.tmpdir(), 'routerd-executed-'));
const record = path.join(folder, 'record');

/**
 * One invocation is one line of the record: words and lines of input apart by control characters that no word has. Programs are run with
 * an environment of their own, so what the stand-in needs is written into it.
 */
const STAND_IN = `#!/bin/sh
PATH='${SEARCHED}'
name=$(basename "$0")
words=$name
for word in "$@"; do words="$words$(printf '\\037')$word"; done
if [ "$*" = '-force -batch -' ]; then
  while IFS= read -r line; do printf 'batch\\036%s\\n' "$line" >> '${record}'; printf '%s\\n' "$line"; done | "$name" "$@"
  exit $?
fi
if [ "$name" = wg ] && [ "$1" = set ]; then
  # Standard input is the file of a secret, which is nobody's to read; what is written down is which file it is.
  printf '%s\\036%s\\n' "$words" "$(readlink /proc/self/fd/0)" >> '${record}'
  exec "$name" "$@"
fi
input=$(cat)
printf '%s\\036%s\\n' "$words" "$(printf '%s' "$input" | tr '\\n' '\\037')" >> '${record}'
printf '%s\\n' "$input" | "$name" "$@"
`;

function ip(...words: readonly string[]): string {
  return execFileSync(IP, words, { encoding: 'utf8' });
}

async function routerd(...args: readonly string[]): Promise<{ readonly code: number; readonly stdout: string }> {
  const flags = ['--config', path.join(folder, 'router.yaml'), '--state-dir', path.join(folder, 'state')];
  const env = { ...process.env, PATH: `${path.join(folder, 'bin')}:${SEARCHED}` };
  const argv = ['netns', 'exec', NAMESPACE, process.execPath, MAIN, ...args, ...flags];
  return new Promise((resolve, reject) => {
    execFile(IP, argv, { encoding: 'utf8', timeout: 120_000, env }, (error, stdout, stderr) => {
      if (stderr !== '') reject(new Error(`${args.join(' ')}: ${stderr}`));
      else resolve({ code: typeof error?.code === 'number' ? error.code : 0, stdout });
    });
  });
}

/** What was run since the record was last emptied and may change something, in its order. */
function recorded(): readonly Recorded[] {
  return readFileSync(record, 'utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => {
      const [words = '', input = ''] = line.split('\u001E');
      const [program = '', ...rest] = words.split('\u001F');
      return { program, argv: [program, ...rest], input: input.replaceAll('\u001F', '\n') };
    })
    .filter(({ argv, input }) => !isReading(argv) && input !== 'end-of-batch');
}

function isReading([program, first, second]: readonly string[]): boolean {
  if (program === 'ip') return first === '-j' || first === '-ts' || second === 'show';
  return (program === 'wg' && first === 'show') || (program === 'nft' && first !== '-f');
}

function setUp(): void {
  onTestFinished(() => {
    for (const pid of ip('netns', 'pids', NAMESPACE).split('\n')) if (pid !== '') process.kill(Number(pid), 'SIGKILL');
    ip('netns', 'del', NAMESPACE);
    rmSync(`/run/wireguard/${DEVICE}.sock`, { force: true });
    rmSync(folder, { recursive: true, force: true });
  });
  ip('netns', 'add', NAMESPACE);
  ip('-n', NAMESPACE, 'link', 'set', 'lo', 'up');
  for (const link of ['lan0', 'wan0']) {
    ip('-n', NAMESPACE, 'link', 'add', link, 'type', 'veth', 'peer', 'name', `${link}p`);
    for (const end of [link, `${link}p`]) ip('-n', NAMESPACE, 'link', 'set', end, 'up');
  }
  ip('-n', NAMESPACE, 'addr', 'add', '10.77.60.2/24', 'dev', 'lan0');
  // What a guest agent might have left, to be taken off.
  ip('-n', NAMESPACE, 'addr', 'add', '10.77.60.12/32', 'dev', 'wan0');
  ip('netns', 'exec', NAMESPACE, 'sysctl', '-qw', 'net.ipv4.ip_forward=0', 'net.ipv4.conf.all.send_redirects=1');
  mkdirSync(path.join(folder, 'bin'));
  for (const program of ['ip', 'wg', 'nft', 'arping', 'wireguard-go', 'keepalived']) {
    writeFileSync(path.join(folder, 'bin', program), STAND_IN);
    chmodSync(path.join(folder, 'bin', program), 0o755);
  }
}

const document = (group: string, kind: string, name: string, spec: object): string =>
  JSON.stringify({ apiVersion: `${group}.routerd.net/v1alpha1`, kind, metadata: { name }, spec });

function configure(claims: readonly string[]): void {
  const documents = [
    document('net', 'Interface', 'lan', { ifname: 'lan0' }),
    document('net', 'Interface', 'wan', { ifname: 'wan0' }),
    document('net', 'WireGuardInterface', DEVICE, { privateKeyFile: path.join(folder, 'wg.key'), listenPort: 51_820 }),
    document('net', 'WireGuardPeer', 'cloud', {
      interface: DEVICE,
      publicKey: Buffer.alloc(32, 7).toString('base64'),
      endpoint: '192.0.2.9:51820',
      allowedIPs: ['10.255.0.2/32'],
    }),
    document('net', 'IPv4StaticAddress', 'tunnel', { interface: DEVICE, address: '10.255.0.1/32' }),
    document('net', 'VirtualAddress', 'gateway', {
      interface: 'lan0',
      address: '10.77.60.1/32',
      mode: 'vrrp',
      vrrp: { virtualRouterID: 60, peers: ['10.77.60.3'] },
    }),
    document('net', 'NAT44Rule', 'out', {
      outboundInterface: 'wan0',
      sourceCIDRs: ['10.77.60.0/24'],
      translation: { type: 'interfaceAddress' },
    }),
    document('firewall', 'FirewallZone', 'lan', { role: 'trust', interfaces: ['lan0', DEVICE] }),
    document('firewall', 'FirewallZone', 'wan', { role: 'untrust', interfaces: ['wan0'] }),
    document('firewall', 'FirewallRule', 'ssh', {
      fromZone: 'wan',
      toZone: 'self',
      protocol: 'tcp',
      port: 22,
      action: 'accept',
    }),
    document('hybrid', 'OverlayPeer', 'cloud', {
      role: 'cloud',
      nodeID: 'cloud',
      underlay: { type: 'wireguard', interface: DEVICE, address: '10.255.0.2' },
    }),
    document('hybrid', 'AddressMobilityDomain', 'net', { prefix: '10.77.60.0/24', mode: 'selective-address' }),
    document('hybrid', 'CloudProviderProfile', 'aws', {
      provider: 'aws',
      region: 'eu-central-1',
      capabilities: ['eni-secondary-ip'],
    }),
    ...claims,
  ];
  writeFileSync(path.join(folder, 'router.yaml'), documents.join('\n---\n'));
}

const claim = (host: number, capture: object): string =>
  document('hybrid', 'RemoteAddressClaim', `vm-${host}`, {
    domainRef: 'net',
    address: `10.77.60.${host}/32`,
    ownerSide: 'cloud',
    capture,
    delivery: { peerRef: 'cloud' },
  });
const proxied = claim(10, { type: 'proxy-arp', interface: 'lan0', gratuitousARP: true });
const assigned = claim(12, {
  type: 'provider-secondary-ip',
  providerRef: 'aws',
  providerMode: 'eni-secondary-ip',
  nicRef: 'eni-1',
  interface: 'wan0',
});
const elected = claim(11, {
  type: 'proxy-arp',
  interface: 'lan0',
  activeWhen: { type: 'vrrp-master', virtualAddressRef: 'gateway' },
});

/** By path below `/proc/sys`. */
function settings(): ReadonlyMap<string, string> {
  const shown = ip('netns', 'exec', NAMESPACE, 'sysctl', '-a', '-r', '^net[./]ipv4[./](conf|neigh|ip_)');
  const lines = shown.split('\n').map((line) => line.split(' = '));
  return new Map(lines.map(([key = '', value = '']) => [key.replaceAll('.', '/'), value]));
}

/** Takes the entries off the front that were recorded, in turn; what has a condition may be missing. @returns what was recorded beyond the plan */
function unplanned(plan: readonly HostExecution[], ran: readonly Recorded[]): readonly Recorded[] {
  const left = [...ran];
  for (const entry of plan) {
    const [next] = left;
    if (isSame(entry, next)) left.shift();
    else if (!('onlyIf' in entry && entry.onlyIf !== undefined)) expect(next, JSON.stringify(entry)).toEqual(entry);
  }
  return left;
}

function isSame(entry: HostExecution, ran: Recorded | undefined): boolean {
  switch (entry.kind) {
    case 'ip-batch':
      return ran?.program === 'batch' && ran.input === entry.line;
    case 'run': {
      const input = entry.inputFile ?? entry.input?.trimEnd().replace('DIGEST-OF-WHAT-NFT-LISTS', 'LISTED') ?? '';
      const given = ran?.input.replace(/listing=[0-9a-f]{16}/, 'listing=LISTED');
      return JSON.stringify(entry.argv) === JSON.stringify(ran?.argv) && input === given;
    }
    case 'make-key':
      return JSON.stringify(entry.argv) === JSON.stringify(ran?.argv);
    case 'write':
    case 'delete-file':
      return false; // by no program
  }
}

function isWritten(entry: HostExecution): boolean {
  return entry.kind === 'write' || entry.kind === 'delete-file';
}

/** The kernel itself changes these with `ip_forward` (inet_forward_change in net/ipv4/devinet.c). */
function goesWithForwarding(setting: string): boolean {
  return setting.endsWith('/forwarding') || setting === 'net/ipv4/conf/all/accept_redirects';
}

async function expectPlannedIsExecuted(): Promise<readonly HostExecution[]> {
  const plan = JSON.parse((await routerd('plan', '-o', 'json')).stdout);
  const planned: readonly HostExecution[] = plan.operations.flatMap(
    ({ executions }: { executions: readonly HostExecution[] }) => executions,
  );
  writeFileSync(record, '');
  const before = settings();
  expect((await routerd('apply', '--once')).code).toBe(0);
  const after = settings();
  const ran = recorded();
  // They go out at the same time, in the background.
  const isAnnouncement = (argv: readonly string[]): boolean => argv[0] === 'arping';
  const announced = ran.filter(({ argv }) => isAnnouncement(argv)).map(({ argv }) => argv);
  const toAnnounce = planned.flatMap((entry) =>
    entry.kind === 'run' && isAnnouncement(entry.argv) ? [entry.argv] : [],
  );
  expect(announced.map(String).toSorted()).toEqual(toAnnounce.map(String).toSorted());
  const programs = planned.filter(
    (entry) => !isWritten(entry) && !(entry.kind === 'run' && isAnnouncement(entry.argv)),
  );
  expect(
    unplanned(
      programs,
      ran.filter(({ argv }) => !isAnnouncement(argv)),
    ),
  ).toEqual([]);
  // Settings are written by the process itself; what the kernel shows says which.
  const written = new Map(
    planned.flatMap((entry) =>
      entry.kind === 'write' && entry.onlyIf === undefined
        ? [[entry.file.replace('/proc/sys/', ''), entry.content.trim()] as const]
        : [],
    ),
  );
  for (const [setting, value] of written)
    if (after.has(setting)) expect([setting, after.get(setting)]).toEqual([setting, value]);
  const changed = [...before].filter(([setting, value]) => after.has(setting) && after.get(setting) !== value);
  expect(changed.filter(([setting]) => !written.has(setting) && !goesWithForwarding(setting))).toEqual([]);
  return planned;
}

test('what plan lists is what apply runs and writes, to the argument, and no key is in it', async () => {
  setUp();
  configure([proxied, assigned, elected]);
  const planned = await expectPlannedIsExecuted();
  const programs = new Set(planned.flatMap((entry) => (entry.kind === 'run' ? (entry.argv[0] ?? []) : [])));
  expect([...programs].toSorted()).toEqual(['arping', 'ip', 'nft', 'wg', 'wireguard-go']);
  expect(planned.filter(({ kind }) => kind === 'make-key')).toEqual([
    expect.objectContaining({ file: path.join(folder, 'wg.key'), mode: '0600' }),
  ]);
  expect((statSync(path.join(folder, 'wg.key')).mode & 0o777).toString(8)).toBe('600');
  // The election is the daemon's: what follows it stays closed.
  expect(planned.filter((entry) => entry.kind === 'ip-batch' && entry.line.includes('10.77.60.11'))).toEqual([]);

  const key = readFileSync(path.join(folder, 'wg.key'), 'utf8').trim();
  configure([]);
  const yaml = await routerd('plan', '-o', 'yaml');
  expect(yaml.stdout).toMatch(/^ {4}executions:$/m);
  expect(yaml.stdout).not.toContain(key);
  const removals = await expectPlannedIsExecuted();
  expect(removals.some((entry) => entry.kind === 'ip-batch' && entry.line.startsWith('neigh del proxy'))).toBe(true);
  expect(JSON.stringify([planned, removals])).not.toContain(key);
  expect(readFileSync(record, 'utf8')).not.toContain(key);
  expect(await routerd('plan')).toMatchObject({ code: 0, stdout: expect.not.stringContaining(key) });
});
