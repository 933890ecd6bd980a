/** The rule that leads what happens in a subnet to where routers read it, `newsLagMs` later. */
import type { AddressSpace } from './address-space.ts';
import type { ControlPlane } from './control-plane.ts';
import { newsBetween, type News } from './news.ts';
import { NewsQueue } from './news-queue.ts';

/** Where messages are kept for their readers. */
export interface NewsOutlet {
  put(body: string): void;
  /** Whoever was told of something is told again now, before its time. */
  showAgain(): void;
}

export class NewsDesk {
  readonly #plane: ControlPlane;
  readonly #write: (news: News) => string;
  readonly #outlets: readonly NewsOutlet[];

  /** @param write the vendor's message about it */
  constructor(plane: ControlPlane, write: (news: News) => string, outlets: Iterable<NewsOutlet>) {
    this.#plane = plane;
    this.#write = write;
    this.#outlets = [...outlets];
    plane.onChange((before, after) => void this.#tell(before, after));
  }

  /** At all outlets. */
  showAgain(): void {
    for (const outlet of this.#outlets) outlet.showAgain();
  }

  async #tell(before: AddressSpace, after: AddressSpace): Promise<void> {
    const messages = newsBetween(before, after).map(this.#write);
    if (messages.length === 0) return;
    await this.#plane.pause(this.#plane.knobs.newsLagMs);
    for (const outlet of this.#outlets) for (const message of messages) outlet.put(message);
  }
}

/** By the router's name. A queue has one reader: two would take each other's messages. */
export type RouterQueues = ReadonlyMap<string, NewsQueue>;

export function routerQueues({ config, clock, stopped }: ControlPlane): RouterQueues {
  const routers = config.instances.filter(({ permissions }) => permissions === 'router');
  return new Map(routers.map(({ name }) => [name, new NewsQueue(clock, stopped)]));
}
