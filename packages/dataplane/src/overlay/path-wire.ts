/** Datagrams between routers inside the overlay. */
import type { Ipv4 } from '@routerd/resources';

export interface PathDatagram {
  readonly from: Ipv4;
  /** Address of this host that it was sent to. */
  readonly to: Ipv4;
  readonly payload: Uint8Array;
}

/** All datagrams leave from, and arrive at, `PATH_PORT`. */
export interface PathWire {
  /** Takes the whole set of addresses of this host to be heard at; one that does not exist yet is tried again. */
  listen(addresses: readonly Ipv4[]): void;
  /** Sent with "don't fragment" up to the MTU of the device. What cannot be sent is lost, as on the way. */
  send(datagram: PathDatagram): void;
  onHeard(listener: (datagram: PathDatagram) => void): () => void;
  /** 16 hexadecimal digits that nobody can guess. */
  token(): string;
  stop(): Promise<void>;
}
