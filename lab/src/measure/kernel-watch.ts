/** Every change of links, addresses, routes, rules and the packet filter of one machine, as the kernel reports it. */
import type { Stream, Vm } from '../vm.ts';
import { subscribed } from './subscribed.ts';

export class KernelWatch {
  readonly #events: string[] = [];
  readonly #streams: Stream[] = [];

  static async start(vm: Vm): Promise<KernelWatch> {
    const watch = new KernelWatch();
    const monitors = [
      ['ip', '-4', '-ts', '-o', 'monitor', 'link', 'address', 'route', 'rule', 'netconf'],
      ['nft', 'monitor'],
    ];
    await Promise.all(
      monitors.map(async (argv) => {
        const stream = await vm.stream(argv, (line) => watch.#events.push(line));
        watch.#streams.push(stream);
        await subscribed(stream.process, `${vm.name}: ${argv[0]} monitor`);
      }),
    );
    return watch;
  }

  /** What was reported since the start, in order. */
  events(): readonly string[] {
    return this.#events;
  }

  /** @returns `events()`, to which nothing comes any more */
  stop(): readonly string[] {
    for (const stream of this.#streams) stream.signal('SIGKILL');
    return this.#events;
  }
}
