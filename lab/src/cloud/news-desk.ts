/** The rule that leads what happens in a subnet into the queue of each router, `newsLagMs` later. */
import type { AddressSpace } from './address-space.ts';
import type { ControlPlane } from './control-plane.ts';
import { newsBetween, type News } from './news.ts';
import { NewsQueue } from './news-queue.ts';

export class NewsDesk {
  readonly #plane: ControlPlane;
  readonly #write: (news: News) => string;
  /** By the router's name. A queue has one reader: two would take each other's messages. */
  readonly #queues: ReadonlyMap<string, NewsQueue>;

  /** @param write the vendor's message about it */
  constructor(plane: ControlPlane, write: (news: News) => string) {
    this.#plane = plane;
    this.#write = write;
    const routers = plane.config.instances.filter(({ permissions }) => permissions === 'router');
    this.#queues = new Map(routers.map(({ name }) => [name, new NewsQueue(plane.clock, plane.stopped)]));
    plane.onChange((before, after) => void this.#tell(before, after));
  }

  queueOf(router: string): NewsQueue | undefined {
    return this.#queues.get(router);
  }

  /** In all queues. */
  showAgain(): void {
    for (const queue of this.#queues.values()) queue.showAgain();
  }

  async #tell(before: AddressSpace, after: AddressSpace): Promise<void> {
    const messages = newsBetween(before, after).map(this.#write);
    if (messages.length === 0) return;
    await this.#plane.pause(this.#plane.knobs.newsLagMs);
    for (const queue of this.#queues.values()) for (const message of messages) queue.put(message);
  }
}
