/** The LAN as the observer meets it: who speaks, who answers. */
import type { HostAddress, Ipv4Prefix } from '@routerd/resources';

/** One ARP packet, by its sender. */
export interface ArpHeard {
  readonly sender: HostAddress;
  /** Lower case, colons. */
  readonly mac: string;
  /** The address that a request asks for; undefined for a reply. */
  readonly asksFor: HostAddress | undefined;
}

export interface LanWireListener {
  /** From other machines only; each packet on its own, within milliseconds. */
  onHeard(heard: ArpHeard): void;
  /** The wire is heard from now on; again after each interruption. What came before was missed. */
  onStarted(): void;
}

export interface LanWire {
  /** ARP whose sender is inside `prefix`; a flood is thinned out, never queued without bound. Restarts by itself. */
  listen(interfaceName: string, prefix: Ipv4Prefix, listener: LanWireListener): { stop(): Promise<void> };
  /**
   * Asks three times, a second apart, who has the address.
   * @returns `silent` only if the link was up all along; `unknown` is no news
   */
  probe(interfaceName: string, address: HostAddress): Promise<'answered' | 'silent' | 'unknown'>;
  /** Sends one ARP request for `address` and does not wait for an answer. */
  ask(interfaceName: string, address: HostAddress): void;
}
