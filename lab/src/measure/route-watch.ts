/** When a route came to a router's kernel, as the kernel itself tells it. */
import type { Stream, Vm } from '../vm.ts';
import { subscribed } from './subscribed.ts';

export interface RouteEvent {
  readonly kind: 'installed' | 'removed';
  /** As `ip` writes it: `10.77.60.10` for a /32. */
  readonly destination: string;
  /** Wall clock of this machine, milliseconds with microseconds as fraction. */
  readonly at: number;
  readonly line: string;
}

/** A line of `ip -ts -o monitor route`; the device's local table (broadcast and local routes) is no delivery. */
export function parseRouteEvent(line: string): RouteEvent | undefined {
  const match = /^\[(?<stamp>[^\]]+)\]\s*(?<deleted>Deleted )?(?<destination>\d[\d.]*(?:\/\d+)?|default) /.exec(line);
  const { stamp, deleted, destination } = match?.groups ?? {};
  if (stamp === undefined || destination === undefined) return undefined;
  return { kind: deleted === undefined ? 'installed' : 'removed', destination, at: parseStamp(stamp), line };
}

/** `2026-11-21T06:45:18.123456` in UTC (the machines run with TZ=UTC). */
function parseStamp(stamp: string): number {
  const [seconds = '', fraction = ''] = stamp.split('.');
  return Date.parse(`${seconds}Z`) + Number(`0.${fraction}`) * 1000;
}

export class RouteWatch {
  readonly #installed = new Map<string, number>();
  readonly lines: string[] = [];
  #stream: Stream | undefined;

  /** Resolves when the monitor is running. */
  static async start(vm: Vm): Promise<RouteWatch> {
    const watch = new RouteWatch();
    watch.#stream = await vm.stream(['ip', '-ts', '-o', 'monitor', 'route'], (line) => watch.#take(line));
    await subscribed(watch.#stream.process, `${vm.name}: ip monitor`);
    return watch;
  }

  #take(line: string): void {
    this.lines.push(line);
    const event = parseRouteEvent(line);
    if (event?.kind !== 'installed' || this.#installed.has(event.destination)) return;
    this.#installed.set(event.destination, event.at);
  }

  /** First time that a route to it was installed since the watch began. */
  installedAt(destination: string): number | undefined {
    return this.#installed.get(destination);
  }

  stop(): void {
    this.#stream?.signal('SIGKILL');
  }
}
