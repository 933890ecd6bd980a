/** Probes to many addresses from one machine, and what became of each address. */
import type { Stream, Vm } from '../vm.ts';
import { waitUntil } from '../wait-until.ts';
import { judgeSeries, type PingSeries } from './steady-ping.ts';

/** Milliseconds between two probes of one address. */
const PERIOD_MS = 250;
const LOST_AFTER_MS = 1000;

export class ManyPings {
  readonly #lines: string[] = [];
  readonly #addresses: readonly string[];
  #stream: Stream | undefined;

  private constructor(addresses: readonly string[]) {
    this.#addresses = addresses;
  }

  /** Resolves when every address has answered. */
  static async start(vm: Vm, addresses: readonly string[]): Promise<ManyPings> {
    const pings = new ManyPings(addresses);
    const argv = ['fping', '-l', '-D', '-i', '1', '-p', `${PERIOD_MS}`, '-t', `${LOST_AFTER_MS}`, ...addresses];
    pings.#stream = await vm.stream(argv, (line) => pings.#lines.push(line));
    await pings.answering(addresses, vm.name);
    return pings;
  }

  /** Waits until each of these has answered a probe that was sent from now on. */
  async answering(addresses: readonly string[], from: string): Promise<void> {
    const start = this.#lines.length;
    let silent = addresses;
    await waitUntil(
      () => `${from}: answers from ${silent.join(' ')}`,
      () => {
        const answered = new Set(this.#lines.slice(start).flatMap((line) => addressAnswering(line) ?? []));
        silent = addresses.filter((address) => !answered.has(address));
        return silent.length === 0 ? true : undefined;
      },
      { deadlineMs: 30_000, everyMs: 50 },
    );
  }

  /** By address. */
  async stop(): Promise<ReadonlyMap<string, PingSeries>> {
    this.#stream?.signal('SIGINT');
    await this.#stream?.exited;
    const byAddress = Map.groupBy(this.#lines, (line) => / (\S+)\s+: \[/.exec(line)?.[1] ?? '');
    return new Map(this.#addresses.map((address) => [address, judgeSeries(byAddress.get(address) ?? [])]));
  }
}

function addressAnswering(line: string): string | undefined {
  return / (\S+)\s+: \[\d+\], \d+ bytes/.exec(line)?.[1];
}
