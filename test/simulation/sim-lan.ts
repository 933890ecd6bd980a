/** One LAN segment: machines that speak and answer ARP, and routers whose kernels answer for what they capture. */
import { ROUTER_HELLO, type LanWire, type LanWireListener, type MemoryHost } from '@routerd/dataplane';
import { bareAddress, hostAddressOf, parseIpv4, type HostAddress } from '@routerd/resources';
import type { Life } from './life.ts';
import { valueOf } from './node-documents.ts';
import type { VirtualTime } from './virtual-time.ts';

/** As the real wire asks three times, a second apart. */
const PROBE_MS = 3000;
const REPLY_MS = 1;

interface Router {
  readonly node: string;
  readonly index: number;
  readonly host: () => MemoryHost | undefined;
}

interface Ear {
  readonly node: string;
  readonly life: Life;
  readonly listener: LanWireListener;
}

export class SimLan {
  readonly #time: VirtualTime;
  readonly #routers: readonly Router[];
  readonly #machines = new Set<HostAddress>();
  readonly #ears = new Set<Ear>();

  /** @param routers of each router the kernel, undefined while it has no power */
  constructor(
    time: VirtualTime,
    routers: readonly { readonly node: string; readonly host: () => MemoryHost | undefined }[],
  ) {
    this.#time = time;
    this.#routers = routers.map((router, index) => ({ ...router, index }));
  }

  /** A machine comes, and says so as machines do. */
  settle(address: HostAddress): void {
    this.#machines.add(address);
    this.speak(address);
  }

  leave(address: HostAddress): void {
    this.#machines.delete(address);
  }

  livesHere(address: HostAddress): boolean {
    return this.#machines.has(address);
  }

  /** The machine sends something; everybody hears it. */
  speak(address: HostAddress): void {
    if (this.#machines.has(address)) this.#broadcast('', { sender: address, mac: machineMac(address) });
  }

  /** A router announces by gratuitous ARP what it captures. */
  announce(node: string, address: HostAddress): void {
    this.#broadcast(node, { sender: address, mac: this.#macOf(node) });
  }

  /** Routers whose kernels answer for the address. */
  capturers(address: HostAddress): readonly string[] {
    return this.#routers.filter((router) => answersFor(router, address)).map(({ node }) => node);
  }

  wire(node: string, life: Life): LanWire {
    return {
      listen: (_interface, _prefix, listener) => {
        const ear: Ear = { node, life, listener };
        this.#ears.add(ear);
        listener.onStarted();
        return {
          stop: async () => {
            this.#ears.delete(ear);
            return Promise.resolve();
          },
        };
      },
      probe: async (_interface, address) =>
        life.ask(async () => {
          await this.#time.sleep(PROBE_MS);
          return this.#whoAnswers(node, address) === undefined ? 'silent' : 'answered';
        }),
      ask: (_interface, address) => life.act(undefined, () => this.#ask(node, address)),
    };
  }

  #ask(node: string, address: HostAddress): void {
    this.#broadcast(node, { sender: routerAddress(this.#indexOf(node)), mac: this.#macOf(node) }, address);
    if (address === ROUTER_HELLO) return;
    const mac = this.#whoAnswers(node, address);
    if (mac === undefined) return;
    this.#time.after(REPLY_MS, () => {
      for (const ear of this.#ears)
        if (ear.node === node && !ear.life.isOver()) ear.listener.onHeard({ sender: address, mac, asksFor: undefined });
    });
  }

  #whoAnswers(asker: string, address: HostAddress): string | undefined {
    if (this.#machines.has(address)) return machineMac(address);
    const proxy = this.#routers.find((router) => router.node !== asker && answersFor(router, address));
    return proxy === undefined ? undefined : this.#macOf(proxy.node);
  }

  #broadcast(
    from: string,
    { sender, mac }: { readonly sender: HostAddress; readonly mac: string },
    asksFor?: HostAddress,
  ): void {
    this.#time.after(REPLY_MS, () => {
      for (const ear of this.#ears)
        if (ear.node !== from && !ear.life.isOver()) ear.listener.onHeard({ sender, mac, asksFor });
    });
  }

  #indexOf(node: string): number {
    return this.#routers.findIndex((router) => router.node === node);
  }

  #macOf(node: string): string {
    return `02:00:00:00:00:0${this.#indexOf(node)}`;
  }
}

function answersFor({ host }: Router, address: HostAddress): boolean {
  return (
    host()
      ?.shown()
      .proxyNeighbors.some((entry) => entry.address === address) ?? false
  );
}

function machineMac(address: HostAddress): string {
  const octets = bareAddress(address).split('.');
  return `02:c1:${octets.map((octet) => Number(octet).toString(16).padStart(2, '0')).join(':')}`;
}

/** Inside the part that the pool excludes. */
function routerAddress(index: number): HostAddress {
  return hostAddressOf(valueOf(parseIpv4(`10.77.0.${index + 2}`)));
}
