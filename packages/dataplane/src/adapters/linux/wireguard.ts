/** WireGuard devices: the kernel's where it has them, wireguard-go otherwise. */
import type { HostFault } from '../../ports.ts';
import type { WireGuardDevice } from '../../host-state.ts';
import { faultOfCommand, ipAnswerOf, type HostCommand, type RunHostCommand } from './host-command.ts';
import { linkUpCommand } from './link-settings.ts';
import { checkPresharedKeyFiles, openPrivateKeyFile } from './private-key-file.ts';

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
      const added = await this.#run(kernelDeviceCommand(name));
      if (added.ok || ipAnswerOf(added.error.stderr) === 'exists') return undefined;
      if (ipAnswerOf(added.error.stderr) !== 'unsupported') return faultOfCommand(added.error);
      this.#kernelHasIt = false;
    }
    const shown = await this.#run(['ip', 'link', 'show', 'dev', name]);
    if (shown.ok) return undefined;
    // It goes into the background in the session that runCommand made for it: nothing that ends this process reaches it.
    const started = await this.#run(userspaceDeviceCommand(name, this.#wireGuardGo));
    if (started.ok) return undefined;
    const fault = faultOfCommand(started.error);
    if (started.error.code !== 'command.not-found') return fault;
    return { ...fault, detail: `the kernel has no WireGuard, and ${this.#wireGuardGo} is not installed` };
  }

  async #configure(
    device: WireGuardDevice,
    known: ReadonlySet<string>,
    endpointsOf: readonly string[],
  ): Promise<HostFault | undefined> {
    const key = await openPrivateKeyFile(this.#run, device.privateKeyFile);
    if (!key.ok) return key.error;
    try {
      const presharedKeys = device.peers.flatMap(({ presharedKeyFile }) => presharedKeyFile ?? []);
      const fault = await checkPresharedKeyFiles(presharedKeys);
      if (fault !== undefined) return fault;
      const set = await this.#run(settingCommand(device, known, endpointsOf), { inputDescriptor: key.value.fd });
      if (!set.ok) return faultOfCommand(set.error);
    } finally {
      await key.value.close();
    }
    const up = await this.#run(linkUpCommand(device));
    return up.ok ? undefined : faultOfCommand(up.error);
  }
}

export function kernelDeviceCommand(name: string): HostCommand {
  return ['ip', 'link', 'add', 'dev', name, 'type', 'wireguard'];
}

/** @param program `wireguard-go` by another name or path */
export function userspaceDeviceCommand(name: string, program = 'wireguard-go'): HostCommand {
  return [program, name];
}

/**
 * The difference as `wg set` takes it: sessions of peers that stay are kept, and `allowed-ips` replaces a peer's whole list.
 * The private key's file is standard input, preshared keys go by file name: none is ever in an argument or passes through this process.
 */
export function settingCommand(
  device: WireGuardDevice,
  known: ReadonlySet<string>,
  endpointsOf: readonly string[],
): HostCommand {
  const wanted = new Set(device.peers.map(({ publicKey }) => publicKey));
  return [
    'wg',
    'set',
    device.name,
    'private-key',
    '/dev/stdin',
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
