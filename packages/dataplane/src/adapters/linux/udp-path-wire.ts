/**
 * UDP sockets of this process, one for each overlay address of this host.
 *
 * Linux sends a datagram that fits the route's MTU with "don't fragment" set (ip(7), IP_PMTUDISC_WANT, the default). One that is larger
 * than what ICMP told this host of the path is sent in fragments instead, and arrives: of a path that does tell its MTU, more is
 * reported to pass than does in one piece (ADR 0018).
 */
import { randomBytes } from 'node:crypto';
import { createSocket, type Socket } from 'node:dgram';
import { parseIpv4, type Ipv4, type Monotonic } from '@routerd/resources';
import type { Clock, Log } from '@routerd/runtime';
import { PATH_PORT } from '../../overlay/path-message.ts';
import type { PathDatagram, PathWire } from '../../overlay/path-wire.ts';

/** An address that is not there yet comes with its tunnel, within moments. */
const RETRY_AFTER_MS = 2000;

export interface UdpPathWireOptions {
  readonly clock: Clock;
  readonly log: Log;
}

export function createUdpPathWire(options: UdpPathWireOptions): PathWire {
  return new UdpPathWire(options);
}

class UdpPathWire implements PathWire {
  readonly #options: UdpPathWireOptions;
  readonly #sockets = new Map<Ipv4, Socket>();
  readonly #listeners = new Set<(datagram: PathDatagram) => void>();
  readonly #stopping = new AbortController();
  readonly #refused = new Set<Ipv4>();
  #desired: ReadonlySet<Ipv4> = new Set();

  constructor(options: UdpPathWireOptions) {
    this.#options = options;
  }

  listen(addresses: readonly Ipv4[]): void {
    this.#desired = new Set(addresses);
    for (const [address, socket] of this.#sockets) if (!this.#desired.has(address)) this.#close(address, socket);
    for (const address of this.#desired) if (!this.#sockets.has(address)) this.#open(address);
  }

  send({ from, to, payload }: PathDatagram): void {
    // A socket that is not bound yet would bind itself, to any port. What the kernel refuses is lost like anything on the way.
    const socket = this.#sockets.get(from);
    if (socket !== undefined && isBound(socket)) socket.send(payload, PATH_PORT, to, () => undefined);
  }

  onHeard(listener: (datagram: PathDatagram) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  token(): string {
    return randomBytes(8).toString('hex');
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    this.listen([]);
  }

  #open(address: Ipv4): void {
    const socket = createSocket('udp4');
    this.#sockets.set(address, socket);
    socket.on('error', (error) => {
      if (this.#sockets.get(address) === socket) this.#close(address, socket);
      this.#onRefused(address, error.message);
    });
    socket.on('message', (payload, { address: source, port }) => {
      const from = parseIpv4(source);
      if (port !== PATH_PORT || !from.ok) return;
      for (const listener of this.#listeners) listener({ from: from.value, to: address, payload });
    });
    socket.bind(PATH_PORT, address, () => {
      this.#refused.delete(address);
      socket.unref();
    });
  }

  #onRefused(address: Ipv4, detail: string): void {
    const { clock, log } = this.#options;
    if (!this.#refused.has(address))
      log.warn('an overlay address cannot be listened at yet', { event: 'dataplane.path.deaf', address, detail });
    this.#refused.add(address);
    const again = (clock.monotonic() + RETRY_AFTER_MS) as Monotonic;
    void clock.sleepUntil(again, this.#stopping.signal).then(() => {
      if (!this.#stopping.signal.aborted && this.#desired.has(address) && !this.#sockets.has(address))
        this.#open(address);
      return undefined;
    });
  }

  #close(address: Ipv4, socket: Socket): void {
    this.#sockets.delete(address);
    socket.removeAllListeners('message');
    try {
      socket.close();
    } catch {
      // It was never open.
    }
  }
}

function isBound(socket: Socket): boolean {
  try {
    return socket.address().port === PATH_PORT;
  } catch {
    return false;
  }
}
