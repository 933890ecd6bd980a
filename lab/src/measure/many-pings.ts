/** Probes to many addresses from one machine, and what became of each address. */
import type { Stream, Vm } from '../vm.ts';
import { waitUntil } from '../wait-until.ts';
import { judgeSeries, parseOutcome, type PingSeries } from './steady-ping.ts';

const LOST_AFTER_MS = 1000;
/**
 * Milliseconds between two probes of one fping. Its 4000 a second are what its 65,000 numbers allow, of which it keeps each for ten seconds (fping 5.1,
 * seqmap.c); so it probes as many addresses as have their turn within the interval.
 */
const SPACING_MS = 0.25;

export interface ProbedAddress {
  readonly address: string;
  /** Milliseconds between two probes of it. */
  readonly intervalMs: number;
}

export class ManyPings {
  /** What was said of each address. */
  readonly #lines: ReadonlyMap<string, string[]>;
  readonly #streams: Stream[] = [];

  private constructor(addresses: readonly string[]) {
    this.#lines = new Map(addresses.map((address) => [address, []]));
  }

  /** Resolves when every address has answered. */
  static async start(vm: Vm, probed: readonly ProbedAddress[]): Promise<ManyPings> {
    const addresses = probed.map(({ address }) => address);
    const pings = new ManyPings(addresses);
    for (const [intervalMs, alike] of Map.groupBy(probed, (each) => each.intervalMs)) {
      const argv = ['fping', '-l', '-D', '-i', `${SPACING_MS}`, '-p', `${intervalMs}`, '-t', `${LOST_AFTER_MS}`];
      const most = Math.floor(intervalMs / SPACING_MS);
      for (let at = 0; at < alike.length; at += most) {
        const some = alike.slice(at, at + most).map(({ address }) => address);
        pings.#streams.push(await vm.stream([...argv, ...some], (line) => pings.#hear(line)));
      }
    }
    await pings.answering(addresses, vm.name);
    return pings;
  }

  #hear(line: string): void {
    const [, address = ''] = line.split(' ', 2);
    this.#lines.get(address)?.push(line);
  }

  /** Waits until each of these has answered a probe from now on. */
  async answering(addresses: readonly string[], from: string): Promise<void> {
    const heard = new Map(addresses.map((address) => [address, this.#lines.get(address)?.length ?? 0]));
    let silent = addresses;
    await waitUntil(
      () => `${from}: answers from ${silent.join(' ')}`,
      () => {
        silent = silent.filter((address) => {
          const since = this.#lines.get(address)?.slice(heard.get(address)) ?? [];
          return !since.some((line) => parseOutcome(line)?.isAnswered === true);
        });
        return silent.length === 0 ? true : undefined;
      },
      { deadlineMs: 30_000, everyMs: 50 },
    );
  }

  /** By address. */
  async stop(): Promise<ReadonlyMap<string, PingSeries>> {
    for (const stream of this.#streams) stream.signal('SIGINT');
    await Promise.all(this.#streams.map(async ({ exited }) => exited));
    return new Map([...this.#lines].map(([address, lines]) => [address, judgeSeries(lines)]));
  }
}
