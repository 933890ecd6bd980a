/** Talks to an emulated cloud over its control socket. */
import { request, type IncomingMessage } from 'node:http';
import { createInterface } from 'node:readline';
import { z } from 'zod';
import {
  cardState,
  cloudState,
  fabricEvent,
  journalEntry,
  type CardOrder,
  type CardState,
  type CloudState,
  type FabricEvent,
  type FaultRequest,
  type JournalEntry,
  type Knobs,
} from './control-messages.ts';

export interface FabricWatch {
  stop(): void;
}

/** Every method rejects with what the cloud said when it refuses. */
export class CloudControl {
  readonly #socket: string;

  /** @param socket path of the unix socket, as in the cloud's configuration */
  constructor(socket: string) {
    this.#socket = socket;
  }

  async state(): Promise<CloudState> {
    return cloudState.parse(await this.#call('GET', '/state'));
  }

  /** Requests after that sequence number; all since the last reset by default. */
  async journal(since = 0): Promise<readonly JournalEntry[]> {
    return z.array(journalEntry).parse(await this.#call('GET', `/journal?since=${since}`));
  }

  async resetJournal(): Promise<void> {
    await this.#call('POST', '/reset-journal');
  }

  async layFault(card: FaultRequest): Promise<void> {
    await this.#call('POST', '/faults', card);
  }

  async clearFaults(): Promise<void> {
    await this.#call('DELETE', '/faults');
  }

  /** The cards that there are, with what is laid out of them. */
  async cards(): Promise<readonly CardState[]> {
    return z.array(cardState).parse(await this.#call('GET', '/cards'));
  }

  /** Lays a card of the catalogue; see fault-catalogue.ts. */
  async playCard(order: CardOrder): Promise<void> {
    await this.#call('POST', '/cards', order);
  }

  async takeCard(card: string): Promise<void> {
    await this.#call('DELETE', `/faults?card=${encodeURIComponent(card)}`);
  }

  /** What the queues hide, since it was received, shows now: delivery is at least once. */
  async showNewsAgain(): Promise<void> {
    await this.#call('POST', '/show-news-again');
  }

  /** What is not given is switched off. */
  async setKnobs(knobs: Partial<Knobs>): Promise<void> {
    await this.#call('POST', '/knobs', knobs);
  }

  async setPower(instance: string, power: 'on' | 'off'): Promise<void> {
    await this.#call('POST', `/instances/${encodeURIComponent(instance)}/power`, { power });
  }

  /** For good, with its NIC and its addresses; AWS and OCI still list the machine. */
  async terminate(instance: string): Promise<void> {
    await this.#call('POST', `/instances/${encodeURIComponent(instance)}/terminate`);
  }

  /** As somebody at the vendor's console would. */
  async changeAddresses(
    instance: string,
    order: { readonly assign?: readonly string[]; readonly unassign?: readonly string[]; readonly takeOver?: boolean },
  ): Promise<void> {
    await this.#call('POST', `/instances/${encodeURIComponent(instance)}/addresses`, order);
  }

  /** As somebody at the vendor's console would: it may be carried on, or no longer. */
  async setForwarding(instance: string, forwarding: boolean): Promise<void> {
    await this.#call('POST', `/instances/${encodeURIComponent(instance)}/forwarding`, { forwarding });
  }

  /** Resolves when no change of the fabric can be missed any more. */
  async watch(onEvent: (event: FabricEvent) => void): Promise<FabricWatch> {
    const message = await this.#open('GET', '/watch');
    const lines = createInterface({ input: message });
    // The cloud went away: the lines that came have been told. Readline passes its input's errors on.
    for (const emitter of [message, lines]) emitter.on('error', () => undefined);
    await new Promise<void>((resolve, reject) => {
      // The blank first line says that the watch has begun; whatever follows may come in the same chunk.
      lines.on('line', (line) => (line === '' ? resolve() : onEvent(fabricEvent.parse(JSON.parse(line)))));
      lines.once('close', () => reject(new Error(`${this.#socket}: the watch ended before it began`)));
    });
    return { stop: () => void message.destroy() };
  }

  async #call(method: string, path: string, body?: unknown): Promise<unknown> {
    const message = await this.#open(method, path, body);
    const text = (await message.toArray()).map((chunk) => Buffer.from(chunk).toString('utf8')).join('');
    if (message.statusCode !== 200) throw new Error(`${method} ${path}: ${message.statusCode} ${text}`);
    return JSON.parse(text);
  }

  async #open(method: string, path: string, body?: unknown): Promise<IncomingMessage> {
    return new Promise((resolve, reject) => {
      const sent = request({ socketPath: this.#socket, method, path, agent: false }, resolve);
      sent.once('error', reject);
      sent.end(body === undefined ? '' : JSON.stringify(body));
    });
  }
}
