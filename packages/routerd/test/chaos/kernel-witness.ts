/**
 * Two whole routers of the group, whose kernels must not notice what befalls it. Each owns an address and captures the other's on its LAN:
 *
 *   west 10.88.0.10   lan0 ── router ── eth0 ══ 10.99.0.0/24 ══ eth0 ── router ── lan0   east 10.88.0.20
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, mkdirSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { runCommand } from '@routerd/runtime';

const PROGRAM = path.join(import.meta.dirname, '..', '..', 'src', 'main.ts');
const REST_MS = 1000;
const SWITCHES =
  'cd /proc/sys/net/ipv4 && grep -H . ip_forward conf/*/proxy_arp conf/*/rp_filter conf/*/send_redirects neigh/*/proxy_delay';

export const WITNESSES = ['west', 'east'] as const;
const OWNED: Readonly<Record<string, string>> = { west: '10.88.0.10/32', east: '10.88.0.20/32' };

export interface WitnessOptions {
  readonly name: string;
  readonly namespace: string;
  /** NKey seed, which is written into the folder. */
  readonly seed: string;
  readonly servers: readonly string[];
  /** Public key of every other node of the group. */
  readonly peers: ReadonlyMap<string, string>;
  readonly folder: string;
}

export class KernelWitness {
  readonly name: string;
  readonly #options: WitnessOptions;
  #router: ChildProcess | undefined;
  #monitor: ChildProcess | undefined;
  #before = '';

  constructor(options: WitnessOptions) {
    this.name = options.name;
    this.#options = options;
    mkdirSync(options.folder, { recursive: true, mode: 0o700 });
    writeFileSync(this.#at('node.seed'), `${options.seed}\n`, { mode: 0o600 });
    writeFileSync(this.#at('router.yaml'), documentsOf(options, this.#at('node.seed')));
  }

  /** The LAN and the router on it. */
  async start(): Promise<void> {
    const { namespace } = this.#options;
    for (const link of ['lan0 type veth peer name lan0-clients', 'overlay0 type ifb']) {
      await must('ip', '-n', namespace, 'link', 'add', ...link.split(' '));
    }
    for (const name of ['lan0', 'lan0-clients', 'overlay0'])
      await must('ip', '-n', namespace, 'link', 'set', name, 'up');
    const options = ['--config', 'router.yaml', '--state-dir', 'state', '--socket', 'routerd.sock'];
    const paths = options.map((word) => (word.startsWith('--') ? word : this.#at(word)));
    this.#router = this.#spawn('routerd.log', [process.execPath, PROGRAM, 'serve', ...paths]);
  }

  /** Whether it captures the other's address and delivers it. */
  async isServing(): Promise<boolean> {
    const state = await this.#state();
    const others = WITNESSES.filter((name) => name !== this.name).map((name) => OWNED[name]?.split('/')[0] ?? '');
    return others.every(
      (address) => state.includes(`${address} dev overlay0`) && state.includes(`${address} dev lan0`),
    );
  }

  /** From here on nothing may change. Begins when the router has come to rest: nothing new for a second. */
  async watch(): Promise<void> {
    let [before, now] = ['', await this.#state()];
    while (before !== now) {
      await sleep(REST_MS);
      [before, now] = [now, await this.#state()];
    }
    this.#monitor = this.#spawn('monitor.log', ['ip', 'monitor', 'route', 'rule', 'address', 'link'], 'stdout');
    this.#before = await this.#state();
  }

  /** What the kernel has otherwise than it had, and what it reported meanwhile; both empty as long as it was left alone. */
  async changes(): Promise<{ readonly state: readonly string[]; readonly reported: string }> {
    const before = new Set(this.#before.split('\n'));
    const now = new Set((await this.#state()).split('\n'));
    const gone = [...before].filter((line) => !now.has(line)).map((line) => `- ${line}`);
    const come = [...now].filter((line) => !before.has(line)).map((line) => `+ ${line}`);
    return { state: [...gone, ...come], reported: readFileSync(this.#at('monitor.log'), 'utf8') };
  }

  async close(): Promise<void> {
    for (const child of [this.#monitor, this.#router]) {
      if (child === undefined || child.exitCode !== null || child.signalCode !== null) continue;
      const gone = once(child, 'exit');
      child.kill('SIGKILL');
      await gone;
    }
  }

  async #state(): Promise<string> {
    const { namespace } = this.#options;
    const inside = ['ip', 'netns', 'exec', namespace] as const;
    const parts = await Promise.all([
      must('ip', '-n', namespace, 'route', 'show', 'table', 'all'),
      must('ip', '-n', namespace, 'neigh', 'show', 'proxy'),
      must('ip', '-n', namespace, 'rule'),
      must('ip', '-n', namespace, '-br', 'address'),
      must(...inside, 'nft', '--stateless', 'list', 'ruleset'),
      must(...inside, 'sh', '-c', SWITCHES),
    ]);
    return parts.join('\n');
  }

  #spawn(logName: string, argv: readonly string[], output: 'stdout' | 'stderr' = 'stderr'): ChildProcess {
    const log = openSync(this.#at(logName), 'a');
    const child = spawn('ip', ['netns', 'exec', this.#options.namespace, 'setpriv', '--pdeathsig', 'KILL', ...argv], {
      stdio: ['ignore', output === 'stdout' ? log : 'ignore', output === 'stderr' ? log : 'ignore'],
    });
    closeSync(log);
    return child;
  }

  #at(name: string): string {
    return path.join(this.#options.folder, name);
  }
}

function documentsOf({ name, servers, peers }: WitnessOptions, seedFile: string): string {
  const resource = (group: string, kind: string, called: string, spec: object): object => ({
    apiVersion: `${group}.routerd.net/v1alpha1`,
    kind,
    metadata: { name: called },
    spec,
  });
  const documents = [
    resource('federation', 'EventGroup', 'chaos', {
      nodeName: name,
      servers,
      identity: { seedFile },
      heartbeat: { interval: '200ms', deadAfter: '2s' },
    }),
    ...[...peers].map(([nodeName, publicKey]) =>
      resource('federation', 'EventPeer', nodeName, { groupRef: 'chaos', nodeName, publicKey }),
    ),
    resource('net', 'Interface', 'lan0', { ifname: 'lan0', managed: false }),
    ...WITNESSES.filter((other) => other !== name).map((other) =>
      resource('hybrid', 'OverlayPeer', other, {
        role: 'onprem',
        nodeID: other,
        underlay: { type: 'route', interface: 'overlay0' },
      }),
    ),
    resource('mobility', 'MobilityPool', 'witness', {
      prefix: '10.88.0.0/24',
      groupRef: 'chaos',
      members: WITNESSES.map((nodeRef) => ({
        nodeRef,
        site: nodeRef,
        role: 'onprem',
        capture: { type: 'proxy-arp', interface: 'lan0' },
        staticOwnedAddresses: [OWNED[nodeRef]],
      })),
    }),
  ];
  // JSON is YAML.
  return documents.map((document) => JSON.stringify(document)).join('\n---\n');
}

async function must(...argv: readonly [string, ...string[]]): Promise<string> {
  const result = await runCommand(argv);
  if (!result.ok) throw new Error(`${argv.join(' ')}: ${result.error.stderr || result.error.code}`);
  return result.value.stdout;
}
