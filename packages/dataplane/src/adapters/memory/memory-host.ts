/**
 * The Host port in memory, for tests and simulation. It refuses what the kernel refuses: a route to a device that does not exist or is
 * down, a preferred source that no interface has, the place of another's route. What a strict kernel would call a duplicate or absent
 * lands, as the port promises, and is kept in `needless`: a reconciler that knows its host never asks for it.
 */
import { ok, unreachable, type HostAddress, type Result } from '@routerd/resources';
import { routeArguments, sysctlFileName } from '../../describe-op.ts';
import type {
  HostOp,
  ObservedHost,
  ObservedLink,
  ObservedProxyNeighbor,
  ObservedWireGuardPeer,
} from '../../host-op.ts';
import {
  isSameRoute,
  linkSettingOf,
  slotOfAddress,
  slotOfRoute,
  slotOfTable,
  textOfClamps,
  textOfRoute,
  textOfTunnel,
} from '../../host-slot.ts';
import type { HostRoute, TunnelState } from '../../host-state.ts';
import { observedAfter } from '../../host-picture.ts';
import type { Host, HostEvent, HostFault, Residual } from '../../ports.ts';
import { Undelivered } from '../../undelivered.ts';

export interface MemoryHostSetup {
  readonly links?: readonly {
    readonly name: string;
    readonly mtu?: number;
    readonly up?: boolean;
    readonly mac?: string;
  }[];
  readonly addresses?: readonly { readonly interface: string; readonly address: string }[];
  readonly sysctls?: Readonly<Record<string, string>>;
}

export interface MemoryHost extends Host {
  /** What a person would see, one line an object, as `ip`, `wg`, `nft` and `sysctl` print it; sorted. */
  render(): readonly string[];
  /** What a reading would show now, without counting as one. */
  shown(): ObservedHost;
  /** Every batch that was applied, landed or not. */
  readonly applied: readonly (readonly HostOp[])[];
  /** Addresses announced so far. */
  readonly announced: readonly HostAddress[];
  /** Ops whose effect was there before they were applied. */
  readonly needless: readonly HostOp[];
  /** How often the host was read. */
  readonly readings: number;
  /** Somebody else changes the host; the kernel reports it. */
  deleteRoute(destination: string): void;
  addAddress(interfaceName: string, address: string): void;
  /** One of ours may not take its place. */
  addForeignRoute(route: HostRoute): void;
  /** Down takes routes and proxy neighbours with it, and only the link is reported. */
  setLink(name: string, up: boolean): void;
  seeNeighbor(interfaceName: string, address: HostAddress, mac: string | undefined): void;
  setSysctl(path: string, value: string): void;
  /** Ops of this verb fail with the fault until it is undefined again. */
  failOn(verb: HostOp['verb'], fault: HostFault | undefined): void;
  /** The next reading fails with it, and those after it, until undefined. */
  failReading(fault: HostFault | undefined): void;
}

const LOOPBACK: ObservedLink = { name: 'lo', up: true, mtu: 65_536, mac: undefined };
const REFUSED = 'host.refused';

export function createMemoryHost(setup: MemoryHostSetup = {}): MemoryHost {
  return new HostInMemory(setup);
}

class HostInMemory implements MemoryHost {
  readonly applied: (readonly HostOp[])[] = [];
  readonly announced: HostAddress[] = [];
  readonly needless: HostOp[] = [];
  readings = 0;
  readonly #listeners = new Set<(event: HostEvent) => void>();
  readonly #foreignRoutes = new Map<string, HostRoute>();
  readonly #faults = new Map<HostOp['verb'], HostFault>();
  #readingFault: HostFault | undefined;
  #shown: ObservedHost;

  constructor(setup: MemoryHostSetup) {
    const links = (setup.links ?? []).map(({ name, mtu = 1500, up = true, mac }) => ({ name, mtu, up, mac }));
    this.#shown = {
      links: [LOOPBACK, ...links],
      addresses: setup.addresses ?? [],
      routes: [],
      proxyNeighbors: [],
      wireGuard: [],
      tunnels: [],
      sysctls: new Map([...defaultSysctls(links.map(({ name }) => name)), ...Object.entries(setup.sysctls ?? {})]),
      mssClamps: undefined,
      tables: [],
      sysctlFiles: new Map(),
    };
  }

  async observe(): Promise<Result<ObservedHost, HostFault>> {
    this.readings += 1;
    return this.#readingFault === undefined ? ok(this.#shown) : { ok: false, error: this.#readingFault };
  }

  async apply(ops: readonly HostOp[]): Promise<readonly Residual[]> {
    this.applied.push(ops);
    const residuals: Residual[] = [];
    const undelivered = new Undelivered();
    for (const op of ops) {
      const fault = undelivered.faultOf(op) ?? this.#faults.get(op.verb) ?? this.#refusalOf(op);
      if (fault === undefined) this.#land(op);
      else {
        residuals.push({ op, fault });
        undelivered.note({ op, fault });
      }
    }
    return residuals;
  }

  watch(listener: (event: HostEvent) => void): { stop(): Promise<void> } {
    this.#listeners.add(listener);
    return {
      stop: async () => {
        this.#listeners.delete(listener);
      },
    };
  }

  render(): readonly string[] {
    const { addresses, routes, proxyNeighbors, wireGuard, tunnels, sysctls, sysctlFiles, tables, mssClamps, links } =
      this.#shown;
    return [
      ...links.map(({ name, up, mtu }) => `link ${name} ${up ? 'up' : 'down'} mtu ${mtu}`),
      ...addresses.map((entry) => `addr ${entry.address} dev ${entry.interface}`),
      ...routes.map((route) => `route ${routeArguments(route)}`),
      ...[...this.#foreignRoutes.values()].map(
        (route) => `route ${route.destination} metric ${route.metric} ${textOfRoute(route)}`,
      ),
      ...proxyNeighbors.map((entry) => `neigh ${entry.address} dev ${entry.interface} proxy`),
      ...wireGuard.flatMap(({ name, listenPort, peers }) => [
        `wg ${name} listen-port ${listenPort}`,
        ...peers.map((peer) => renderPeer(name, peer)),
      ]),
      ...tunnels.map((tunnel) => `tunnel ${tunnel.name} ${textOfTunnel(tunnel)}`),
      ...[...sysctls].map(([path, value]) => `sysctl ${path}=${value}`),
      ...[...sysctlFiles].map(([name, content]) => `file ${sysctlFileName(name)} ${content}`),
      ...tables.map(({ family, name, digest }) => `table ${family} ${name} ${digest ?? 'changed'}`),
      ...(mssClamps ?? []).map((clamp) => `clamp ${clamp.captureInterface} ${clamp.tunnelInterface} ${clamp.mss}`),
    ].toSorted();
  }

  shown(): ObservedHost {
    return this.#shown;
  }

  deleteRoute(destination: string): void {
    const gone = this.#shown.routes.filter((route) => route.destination === destination);
    this.#shown = { ...this.#shown, routes: this.#shown.routes.filter((route) => !gone.includes(route)) };
    for (const route of gone)
      this.#emit({ kind: 'changed', what: 'route', change: { slot: slotOfRoute(route), value: undefined } });
  }

  addAddress(interfaceName: string, address: string): void {
    const entry = { interface: interfaceName, address };
    this.#shown = { ...this.#shown, addresses: [...this.#shown.addresses, entry] };
    const slot = slotOfAddress(interfaceName, address);
    this.#emit({ kind: 'changed', what: 'address', change: { slot, value: 'present' } });
  }

  addForeignRoute(route: HostRoute): void {
    this.#foreignRoutes.set(slotOfRoute(route), route);
    this.#emit({ kind: 'changed', what: 'route', change: { slot: slotOfRoute(route), value: 'foreign' } });
  }

  setLink(name: string, up: boolean): void {
    const { links, routes, proxyNeighbors } = this.#shown;
    const keep = <T>(items: readonly T[], deviceOf: (item: T) => string | undefined): readonly T[] =>
      up ? items : items.filter((item) => deviceOf(item) !== name);
    this.#shown = {
      ...this.#shown,
      links: links.map((link) => (link.name === name ? { ...link, up } : link)),
      routes: keep(routes, ({ device }) => device),
      proxyNeighbors: keep(proxyNeighbors, (entry: ObservedProxyNeighbor) => entry.interface),
    };
    this.#emit({ kind: 'changed', what: 'link' });
  }

  seeNeighbor(interfaceName: string, address: HostAddress, mac: string | undefined): void {
    this.#emit({ kind: 'neighbor', interface: interfaceName, address, mac, reachable: mac !== undefined });
  }

  setSysctl(path: string, value: string): void {
    this.#shown = { ...this.#shown, sysctls: new Map([...this.#shown.sysctls, [path, value]]) };
  }

  failOn(verb: HostOp['verb'], fault: HostFault | undefined): void {
    if (fault === undefined) this.#faults.delete(verb);
    else this.#faults.set(verb, fault);
  }

  failReading(fault: HostFault | undefined): void {
    this.#readingFault = fault;
  }

  #emit(event: HostEvent): void {
    for (const listener of this.#listeners) listener(event);
  }

  /** Like the kernel, it reports what we change ourselves too. */
  #land(op: HostOp): void {
    const before = effectOf(op, this.#shown);
    this.#shown = observedAfter(this.#shown, [op]);
    if (op.verb !== 'announce' && op.verb !== 'sysctl-restore' && effectOf(op, this.#shown) === before)
      this.needless.push(op);
    if (op.verb === 'announce') this.announced.push(op.address);
    const made =
      op.verb === 'wireguard-create' ? op.device.name : op.verb === 'tunnel-create' ? op.tunnel.name : undefined;
    if (made !== undefined)
      this.#shown = { ...this.#shown, sysctls: new Map([...this.#shown.sysctls, ...interfaceSysctls(made)]) };
    const event = echoOf(op);
    if (event !== undefined) this.#emit(event);
  }

  #refusalOf(op: HostOp): HostFault | undefined {
    switch (op.verb) {
      case 'route-add':
      case 'route-replace':
        return this.#routeRefusal(op.route, op.verb === 'route-add');
      case 'address-add':
        return this.#linkRefusal(op.interface, false);
      case 'proxy-neighbor-add':
        return this.#linkRefusal(op.neighbor.interface, false);
      case 'announce':
        return this.#linkRefusal(op.interface, true);
      case 'sysctl-set':
        return this.#shown.sysctls.has(op.path.join('/')) ? undefined : notFound(`${op.path.join('/')} does not exist`);
      case 'wireguard-configure':
        return this.#shown.wireGuard.some(({ name }) => name === op.device.name)
          ? undefined
          : notFound(`there is no WireGuard device ${op.device.name}`);
      case 'tunnel-create':
        return this.#tunnelRefusal(op.tunnel);
      case 'tunnel-change':
        return this.#shown.tunnels.some(({ name, mode }) => name === op.tunnel.name && mode === op.tunnel.mode)
          ? undefined
          : notFound(`there is no ${op.tunnel.mode} tunnel ${op.tunnel.name}`);
      case 'link-set':
        return this.#linkRefusal(op.setting.name, false);
      case 'link-restore':
      case 'tunnel-remove':
      case 'wireguard-create':
      case 'wireguard-remove':
      case 'address-remove':
      case 'route-remove':
      case 'proxy-neighbor-remove':
      case 'sysctl-restore':
      case 'sysctl-file-write':
      case 'sysctl-file-remove':
      case 'table-replace':
      case 'table-remove':
      case 'mss-replace':
      case 'mss-remove':
        return undefined;
      default:
        return unreachable(op);
    }
  }

  #routeRefusal(route: HostRoute, isNew: boolean): HostFault | undefined {
    const { device, preferredSource, destination } = route;
    const slot = slotOfRoute(route);
    if (this.#foreignRoutes.has(slot))
      return { code: REFUSED, detail: `a route to ${destination} that is not ours is in the way`, retry: 'later' };
    const held = this.#shown.routes.find((other) => slotOfRoute(other) === slot);
    if (isNew && held !== undefined && !isSameRoute(route, held))
      return { code: REFUSED, detail: `there is a route to ${destination} already: replace it`, retry: 'later' };
    if (
      preferredSource !== undefined &&
      !this.#shown.addresses.some(({ address }) => address.startsWith(`${preferredSource}/`))
    )
      return { code: REFUSED, detail: `no interface has the preferred source ${preferredSource}`, retry: 'later' };
    return device === undefined ? undefined : this.#linkRefusal(device, true);
  }

  #tunnelRefusal({ name, mode, local, remote, key }: TunnelState): HostFault | undefined {
    const { links, tunnels } = this.#shown;
    const held = tunnels.find((other) => other.name === name);
    if (held === undefined ? links.some((link) => link.name === name) : held.mode !== mode)
      return { code: REFUSED, detail: `${name} is there and no ${mode} tunnel`, retry: 'later' };
    const twin = tunnels.find(
      (other) => textOfTunnel({ ...other, ttl: 0 }) === textOfTunnel({ name, mode, local, remote, key, ttl: 0 }),
    );
    if (twin === undefined || twin.name === name) return undefined;
    const detail = `${name} cannot be made: there is another ${mode} tunnel from ${local} to ${remote}`;
    return { code: REFUSED, detail, retry: 'later' };
  }

  #linkRefusal(name: string, mustBeUp: boolean): HostFault | undefined {
    const link = this.#shown.links.find((candidate) => candidate.name === name);
    if (link === undefined) return notFound(`Cannot find device "${name}"`);
    return mustBeUp && !link.up ? { code: REFUSED, detail: `device ${name} is down`, retry: 'later' } : undefined;
  }
}

/** What an op is about, as a comparable text: the same before and after it when there was nothing to do. */
function effectOf(
  op: HostOp,
  {
    links,
    addresses,
    routes,
    proxyNeighbors,
    wireGuard,
    tunnels,
    sysctls,
    sysctlFiles,
    tables,
    mssClamps,
  }: ObservedHost,
): string {
  switch (op.verb) {
    case 'route-add':
    case 'route-replace':
    case 'route-remove': {
      const slot = slotOfRoute(op.route);
      const held = routes.find((route) => slotOfRoute(route) === slot);
      return held === undefined ? '' : textOfRoute(held);
    }
    case 'address-add':
    case 'address-remove':
      return String(addresses.some((entry) => entry.interface === op.interface && entry.address === op.address));
    case 'proxy-neighbor-add':
    case 'proxy-neighbor-remove':
      return String(
        proxyNeighbors.some(
          (entry) => entry.interface === op.neighbor.interface && entry.address === op.neighbor.address,
        ),
      );
    case 'wireguard-create':
    case 'wireguard-configure':
    case 'wireguard-remove': {
      const name = op.verb === 'wireguard-remove' ? op.name : op.device.name;
      const device = wireGuard.find((candidate) => candidate.name === name);
      return device === undefined
        ? ''
        : [device.listenPort, ...device.peers.map((peer) => renderPeer(name, peer))].join('\n');
    }
    case 'tunnel-create':
    case 'tunnel-change':
    case 'tunnel-remove': {
      const name = op.verb === 'tunnel-remove' ? op.name : op.tunnel.name;
      const tunnel = tunnels.find((candidate) => candidate.name === name);
      const link = links.find((candidate) => candidate.name === name);
      return tunnel === undefined
        ? ''
        : `${textOfTunnel(tunnel)} ${link?.mtu ?? ''} ${link?.up === true ? 'up' : 'down'}`;
    }
    case 'link-set':
    case 'link-restore': {
      const link = links.find(({ name }) => name === op.setting.name);
      return link === undefined ? '' : linkSettingOf(link, op.setting.property);
    }
    case 'sysctl-set':
    case 'sysctl-restore':
      return sysctls.get(op.path.join('/')) ?? '';
    case 'sysctl-file-write':
    case 'sysctl-file-remove':
      return sysctlFiles.get(op.verb === 'sysctl-file-write' ? op.file.name : op.name) ?? '';
    case 'table-replace':
    case 'table-remove': {
      const slot = slotOfTable(op.verb === 'table-replace' ? op.table : op);
      return tables.find((table) => slotOfTable(table) === slot)?.digest ?? '';
    }
    case 'mss-replace':
    case 'mss-remove':
      return mssClamps === undefined ? '' : `clamps ${textOfClamps(mssClamps)}`;
    case 'announce':
      return '';
    default:
      return unreachable(op);
  }
}

function echoOf(op: HostOp): HostEvent | undefined {
  switch (op.verb) {
    case 'route-add':
    case 'route-replace':
      return { kind: 'changed', what: 'route', change: { slot: slotOfRoute(op.route), value: textOfRoute(op.route) } };
    case 'route-remove':
      return { kind: 'changed', what: 'route', change: { slot: slotOfRoute(op.route), value: undefined } };
    case 'address-add':
    case 'address-remove': {
      const value = op.verb === 'address-add' ? 'present' : undefined;
      return { kind: 'changed', what: 'address', change: { slot: slotOfAddress(op.interface, op.address), value } };
    }
    case 'wireguard-create':
    case 'wireguard-configure':
    case 'wireguard-remove':
    case 'tunnel-create':
    case 'tunnel-change':
    case 'tunnel-remove':
    case 'link-set':
    case 'link-restore':
      return { kind: 'changed', what: 'link' };
    case 'proxy-neighbor-add':
    case 'proxy-neighbor-remove':
    case 'sysctl-set':
    case 'sysctl-restore':
    case 'sysctl-file-write':
    case 'sysctl-file-remove':
    case 'table-replace':
    case 'table-remove':
    case 'mss-replace':
    case 'mss-remove':
    case 'announce':
      return undefined; // the kernel is silent about these
    default:
      return unreachable(op);
  }
}

/** As a new network namespace has them. */
function defaultSysctls(interfaceNames: readonly string[]): readonly (readonly [string, string])[] {
  return [
    ['net/ipv4/ip_forward', '0'],
    ['net/ipv4/ip_nonlocal_bind', '0'],
    ['net/ipv4/conf/all/send_redirects', '1'],
    ...interfaceNames.flatMap(interfaceSysctls),
  ];
}

function interfaceSysctls(name: string): readonly (readonly [string, string])[] {
  return [
    [`net/ipv4/conf/${name}/send_redirects`, '1'],
    [`net/ipv4/neigh/${name}/proxy_delay`, '80'],
  ];
}

function renderPeer(device: string, peer: ObservedWireGuardPeer): string {
  return `wg ${device} peer ${peer.publicKey} allowed-ips ${peer.allowedIPs.join(',')} endpoint ${peer.endpoint ?? '(none)'}`;
}

function notFound(detail: string): HostFault {
  return { code: 'host.not-found', detail, retry: 'later' };
}
