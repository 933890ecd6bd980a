/** WireGuard devices: the kernel's where it has them, wireguard-go otherwise. */
import type { HostFault } from '../../ports.ts';
import type { WireGuardDevice } from '../../host-state.ts';
import { faultOfCommand, ipAnswerOf, type RunHostCommand } from './host-command.ts';
import { checkPresharedKeyFiles, ensurePrivateKeyFile } from './private-key-file.ts';

export class WireGuardDevices {
  readonly #run: RunHostCommand;
  readonly #wireGuardGo: string;
  /** Asked once: a kernel does not learn it later without the host being set up anew. */
  #kernelHasIt = true;

  constructor(run: RunHostCommand, wireGuardGo: string) {
    this.#run = run;
    this.#wireGuardGo = wireGuardGo;
  }

  /** Makes the device if it does not exist, and configures it. The link is up afterwards. */
  async create(device: WireGuardDevice): Promise<HostFault | undefined> {
    return (await this.#makeLink(device.name)) ?? this.#configure(device, new Set(), []);
  }

  /** @param endpointsOf public keys of known peers whose endpoint is to be set; the others keep what they have */
  async configure(device: WireGuardDevice, endpointsOf: readonly string[]): Promise<HostFault | undefined> {
    const known = await this.#run(['wg', 'show', device.name, 'peers']);
    if (!known.ok) return faultOfCommand(known.error);
    const keys = known.value.stdout.split('\n').filter((key) => key !== '');
    return this.#configure(device, new Set(keys), endpointsOf);
  }

  async #makeLink(name: string): Promise<HostFault | undefined> {
    if (this.#kernelHasIt) {
      const added = await this.#run(['ip', 'link', 'add', 'dev', name, 'type', 'wireguard']);
      if (added.ok || ipAnswerOf(added.error.stderr) === 'exists') return undefined;
      if (ipAnswerOf(added.error.stderr) !== 'unsupported') return faultOfCommand(added.error);
      this.#kernelHasIt = false;
    }
    const shown = await this.#run(['ip', 'link', 'show', 'dev', name]);
    if (shown.ok) return undefined;
    // It goes into the background in the session that runCommand made for it: nothing that ends this process reaches it.
    const started = await this.#run([this.#wireGuardGo, name]);
    return started.ok ? undefined : faultOfCommand(started.error);
  }

  async #configure(
    device: WireGuardDevice,
    known: ReadonlySet<string>,
    endpointsOf: readonly string[],
  ): Promise<HostFault | undefined> {
    const fault =
      (await ensurePrivateKeyFile(this.#run, device.privateKeyFile)) ??
      (await checkPresharedKeyFiles(device.peers.flatMap(({ presharedKeyFile }) => presharedKeyFile ?? [])));
    if (fault !== undefined) return fault;
    const set = await this.#run(['wg', 'set', device.name, ...settingsOf(device, known, endpointsOf)]);
    if (!set.ok) return faultOfCommand(set.error);
    const { name, mtu } = device;
    const up = await this.#run(['ip', 'link', 'set', 'dev', name, 'mtu', `${mtu}`, 'up']);
    return up.ok ? undefined : faultOfCommand(up.error);
  }
}

/**
 * The difference as `wg set` takes it: sessions of peers that stay are kept, and `allowed-ips` replaces a peer's whole list.
 * Keys go by file name, so that none is ever in an argument or passes through this process.
 */
export function settingsOf(
  device: WireGuardDevice,
  known: ReadonlySet<string>,
  endpointsOf: readonly string[],
): readonly string[] {
  const wanted = new Set(device.peers.map(({ publicKey }) => publicKey));
  return [
    'private-key',
    device.privateKeyFile,
    'listen-port',
    `${device.listenPort}`,
    // First, so that prefixes which move to another peer are free.
    ...[...known].filter((key) => !wanted.has(key)).flatMap((key) => ['peer', key, 'remove']),
    ...device.peers.flatMap((peer) => [
      'peer',
      peer.publicKey,
      ...(peer.presharedKeyFile === undefined ? [] : ['preshared-key', peer.presharedKeyFile]),
      ...(peer.endpoint === undefined || (known.has(peer.publicKey) && !endpointsOf.includes(peer.publicKey))
        ? []
        : ['endpoint', peer.endpoint]),
      'persistent-keepalive',
      peer.persistentKeepalive === 0 ? 'off' : `${peer.persistentKeepalive}`,
      'allowed-ips',
      peer.allowedIPs.join(','),
    ]),
  ];
}
