/** Overlays without packets: what is sent arrives after a delay, or does not, as a test says for each direction. */
import type { Ipv4, Monotonic } from '@routerd/resources';
import type { Clock } from '@routerd/runtime';
import { IP_UDP_BYTES } from '../../overlay/path-message.ts';
import type { PathDatagram, PathWire } from '../../overlay/path-wire.ts';

export interface PathWeather {
  readonly delayMs: number;
  /** Packets above it vanish without a word; bytes with IP header. */
  readonly mtu: number;
  /** Told of each packet. */
  readonly isLost: () => boolean;
}

export interface MemoryPathNetwork {
  /** The wire of one host. */
  host(): PathWire;
  /** Of packets from one address to another, from now on. */
  setWeather(from: Ipv4, to: Ipv4, weather: Partial<PathWeather>): void;
}

const FAIR: PathWeather = { delayMs: 5, mtu: 65_535, isLost: () => false };

export function createMemoryPathNetwork(clock: Clock): MemoryPathNetwork {
  const weather = new Map<string, PathWeather>();
  const hosts = new Map<Ipv4, (datagram: PathDatagram) => void>();
  const { signal: never } = new AbortController();
  let tokens = 0;

  const carry = async (datagram: PathDatagram): Promise<void> => {
    const { delayMs, mtu, isLost } = weather.get(`${datagram.from} ${datagram.to}`) ?? FAIR;
    if (isLost() || datagram.payload.length + IP_UDP_BYTES > mtu) return;
    await clock.sleepUntil((clock.monotonic() + delayMs) as Monotonic, never);
    hosts.get(datagram.to)?.(datagram);
  };
  return {
    host() {
      const listeners = new Set<(datagram: PathDatagram) => void>();
      const heard = (datagram: PathDatagram): void => {
        for (const listener of listeners) listener(datagram);
      };
      let own: readonly Ipv4[] = [];
      const listen = (addresses: readonly Ipv4[]): void => {
        for (const address of own) hosts.delete(address);
        own = addresses;
        for (const address of own) hosts.set(address, heard);
      };
      return {
        listen,
        send: (datagram) => void carry(datagram),
        onHeard(listener) {
          listeners.add(listener);
          return () => listeners.delete(listener);
        },
        token: () => (tokens += 1).toString(16).padStart(16, '0'),
        stop: async () => listen([]),
      };
    },
    setWeather(from, to, changes) {
      const key = `${from} ${to}`;
      weather.set(key, { ...(weather.get(key) ?? FAIR), ...changes });
    },
  };
}
