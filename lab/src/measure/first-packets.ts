/** When each address was first heard on the on-prem LAN, by tcpdump on the bridge: the zero of every latency in D1. */
import type { Stream, Vm } from '../vm.ts';
import { waitUntil } from '../wait-until.ts';

/** Sender of an ARP line of `tcpdump -tt`: a request's `tell`, or the one of whom a reply says `is-at`. */
export function parseArpSender(line: string): { readonly at: number; readonly address: string } | undefined {
  const match =
    /^(?<at>\d+\.\d+) ARP, (?:Request who-has \S+(?: \(\S+\))? tell (?<asker>[\d.]+)|Reply (?<teller>[\d.]+) is-at)/.exec(
      line,
    );
  const { at, asker, teller } = match?.groups ?? {};
  const address = asker ?? teller;
  return at === undefined || address === undefined ? undefined : { at: Number(at) * 1000, address };
}

export class FirstPackets {
  readonly #heard = new Map<string, number>();
  readonly lines: string[] = [];
  #stream: Stream | undefined;

  static async start(lan: Vm): Promise<FirstPackets> {
    const watch = new FirstPackets();
    let listening = false;
    watch.#stream = await lan.stream(['tcpdump', '-i', 'br0', '-n', '-tt', '-l', '--immediate-mode', 'arp'], (line) => {
      if (line.includes('listening on')) listening = true;
      watch.#take(line);
    });
    await waitUntil('lan: tcpdump listening', () => listening || undefined, { deadlineMs: 5000 });
    return watch;
  }

  #take(line: string): void {
    this.lines.push(line);
    const sender = parseArpSender(line);
    if (sender !== undefined && !this.#heard.has(sender.address)) this.#heard.set(sender.address, sender.at);
  }

  /** Wall clock of this machine, milliseconds. */
  heardAt(address: string): number | undefined {
    return this.#heard.get(address);
  }

  stop(): void {
    this.#stream?.signal('SIGKILL');
  }
}
