/** Who answers for captured addresses on the on-prem LAN, asked all the time, and what a successor announces to the client. */
import type { Lab } from '../lab.ts';
import type { Stage } from '../scenario.ts';
import { clientAt } from '../topology.ts';
import type { Stream, Vm } from '../vm.ts';
import { waitUntil } from '../wait-until.ts';
import { lastOf } from './figures.ts';

/** Seconds between two questions for each address. */
const ASK_EVERY_S = '0.1';
/** The bridge asks: what the client itself would be told, it would learn from the probe, and not from the announcement. */
const ASKER = 'lan';

export interface ArpHeard {
  readonly kind: 'question' | 'answer' | 'announcement';
  /** Wall clock of this machine, milliseconds. */
  readonly at: number;
  /** Which is asked for, or spoken for. */
  readonly address: string;
  /** Of the sender. */
  readonly mac: string;
}

/** A line of `tcpdump -n -e -tt arp`. What is told to everybody is an announcement, whether it is worded as a reply or as a question for itself. */
export function parseArp(line: string): ArpHeard | undefined {
  const match =
    /^(?<at>\d+\.\d+) (?<mac>[0-9a-f:]{17}) > (?<to>[0-9a-f:]{17}|Broadcast), ethertype ARP \S+, length \d+: (?:Request who-has (?<asked>[\d.]+)(?: \(\S+\))? tell (?<asker>[\d.]+)|Reply (?<teller>[\d.]+) is-at)/.exec(
      line,
    );
  const { at, mac, to, asked, asker, teller } = match?.groups ?? {};
  const address = asked ?? teller;
  if (at === undefined || mac === undefined || address === undefined) return undefined;
  const isToAll = to === 'ff:ff:ff:ff:ff:ff' || to === 'Broadcast';
  const isAnnouncement = isToAll && (asked === undefined || asked === asker);
  const kind = isAnnouncement ? 'announcement' : asked === undefined ? 'answer' : 'question';
  return { kind, at: Number(at) * 1000, address, mac };
}

/** What one address was answered with. */
export interface Answering {
  /** MACs in the order in which they took over from each other. */
  readonly order: readonly string[];
  readonly answers: number;
  /** Questions that two machines answered. */
  readonly doubles: readonly string[];
  /** Longest time for which one that had been succeeded went on answering, milliseconds; of what is let pass. */
  readonly overlapMs: number;
}

/** @param letPassMs so long one that was succeeded may go on answering without having taken over again */
export function judgeAnswers(heard: readonly ArpHeard[], address: string, letPassMs = 0): Answering {
  const order: string[] = [];
  const doubles: string[] = [];
  let answers = 0;
  let succeededAt = 0;
  let overlapMs = 0;
  let answeredBy: string | undefined;
  for (const each of heard.filter((one) => one.address === address)) {
    if (each.kind === 'question') answeredBy = undefined;
    if (each.kind !== 'answer') continue;
    answers += 1;
    const isLate = each.mac === order.at(-2) && each.at - succeededAt < letPassMs;
    if (isLate) overlapMs = Math.max(overlapMs, each.at - succeededAt);
    else if (order.at(-1) !== each.mac) {
      order.push(each.mac);
      succeededAt = each.at;
    }
    if (answeredBy !== undefined && answeredBy !== each.mac)
      doubles.push(`${answeredBy} and ${each.mac} at ${each.at}`);
    answeredBy = each.mac;
  }
  return { order, answers, doubles, overlapMs };
}

export class ArpWatch {
  readonly #onBridge: string[] = [];
  readonly #atClient: string[] = [];
  readonly #streams: Stream[] = [];
  readonly #heard: ArpHeard[] = [];
  readonly #announced: ArpHeard[] = [];

  /** Resolves when nothing can be missed any more. */
  static async start(lab: Lab, addresses: readonly string[]): Promise<ArpWatch> {
    const watch = new ArpWatch();
    const client = clientAt('onprem');
    await watch.#listen(lab.vm(ASKER), 'br0', watch.#onBridge, watch.#heard);
    await watch.#listen(lab.vm(client.name), client.nic, watch.#atClient, watch.#announced);
    const ask = addresses.map((address) => `arping -q -c 1 -w 1 -I br0 ${address} &`).join(' ');
    const loop = `while :; do ${ask} sleep ${ASK_EVERY_S}; done`;
    watch.#streams.push(await lab.vm(ASKER).stream(['sh', '-c', loop], () => undefined));
    return watch;
  }

  async #listen(vm: Vm, device: string, lines: string[], heard: ArpHeard[]): Promise<void> {
    const argv = ['tcpdump', '-i', device, '-n', '-e', '-tt', '-l', '--immediate-mode', 'arp'];
    const stream = await vm.stream(argv, (line) => {
      lines.push(line);
      const parsed = parseArp(line);
      if (parsed !== undefined) heard.push(parsed);
    });
    this.#streams.push(stream);
    await waitUntil(
      `${vm.name}: tcpdump listening`,
      () => lines.some((line) => line.includes('listening on')) || undefined,
      { deadlineMs: 5000 },
    );
  }

  /** When the last of these addresses was answered by that MAC for the first time since then; `undefined` while one is missing. */
  answeredAt(mac: string, addresses: readonly string[], since: number): number | undefined {
    return lastOfFirsts(
      this.#heard.filter(({ kind }) => kind === 'answer'),
      { mac, addresses, since },
    );
  }

  /** When the client had heard that MAC announce each of these addresses. */
  announcedAt(mac: string, addresses: readonly string[], since: number): number | undefined {
    return lastOfFirsts(
      this.#announced.filter(({ kind }) => kind === 'announcement'),
      { mac, addresses, since },
    );
  }

  /** @param since wall clock, milliseconds */
  answering(address: string, since: number, letPassMs = 0): Answering {
    const heard = this.#heard.filter(({ at }) => at >= since);
    return judgeAnswers(heard, address, letPassMs);
  }

  /** Keeps what was heard. */
  stop({ evidence }: Stage): void {
    for (const stream of this.#streams) stream.signal('SIGKILL');
    evidence.file('arp-asked-from-the-bridge.txt', this.#onBridge.join('\n'));
    evidence.file('arp-heard-by-the-client.txt', this.#atClient.join('\n'));
  }
}

function lastOfFirsts(
  heard: readonly ArpHeard[],
  wanted: { readonly mac: string; readonly addresses: readonly string[]; readonly since: number },
): number | undefined {
  return lastOf(
    wanted.addresses.map(
      (address) =>
        heard.find((each) => each.address === address && each.mac === wanted.mac && each.at >= wanted.since)?.at,
    ),
  );
}
