/** Faults laid out for the requests to come. */
import type { FaultCard } from './control-messages.ts';

export class FaultDeck {
  #cards: readonly FaultCard[] = [];

  lay(card: FaultCard): void {
    this.#cards = [...this.#cards, card];
  }

  get left(): readonly FaultCard[] {
    return this.#cards;
  }

  clear(): void {
    this.#cards = [];
  }

  /** Uses up one of the first card that fits. `*` fits the vendor's API, not the metadata service. */
  draw(request: {
    readonly service: 'api' | 'imds';
    readonly operation: string;
    readonly principal: string;
  }): FaultCard | undefined {
    const index = this.#cards.findIndex(
      ({ operation, principal }) =>
        (operation === request.operation || (operation === '*' && request.service === 'api')) &&
        (principal === undefined || principal === request.principal),
    );
    const card = this.#cards[index];
    if (card === undefined) return undefined;
    const rest = card.count > 1 ? [{ ...card, count: card.count - 1 }] : [];
    this.#cards = [...this.#cards.slice(0, index), ...rest, ...this.#cards.slice(index + 1)];
    return card;
  }
}
