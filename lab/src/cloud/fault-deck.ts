/** Faults laid out for the requests to come. */
import type { Clock } from '@routerd/runtime';
import type { FaultCard } from './control-messages.ts';

/** Whoever lays more has forgotten to clear. */
const CARDS_MAX = 100;

interface Laid {
  readonly card: FaultCard;
  /** Monotonic. */
  readonly until: number;
}

export interface FaultableRequest {
  readonly service: 'api' | 'imds' | 'queue';
  readonly operation: string;
  readonly principal: string;
  readonly mutating: boolean;
}

export class FaultDeck {
  readonly #clock: Clock;
  #laid: readonly Laid[] = [];

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Throws when there are too many; they are a caller's mistake. */
  lay(card: FaultCard): void {
    const laid = this.#current();
    if (laid.length >= CARDS_MAX) throw new Error(`there are ${CARDS_MAX} fault cards already; clear them first`);
    this.#laid = [...laid, { card, until: this.#clock.monotonic() + (card.forMs ?? Number.POSITIVE_INFINITY) }];
  }

  get left(): readonly FaultCard[] {
    return this.#current().map(({ card }) => card);
  }

  /** @param name of the named cards to take off; all are, without */
  clear(name?: string): void {
    this.#laid = name === undefined ? [] : this.#laid.filter(({ card }) => card.card !== name);
  }

  /** Uses up one of the first card that fits. */
  draw(request: FaultableRequest): FaultCard | undefined {
    this.#laid = this.#current();
    const index = this.#laid.findIndex(
      ({ card: { operation, principal } }) =>
        isIn(request, operation) && (principal === undefined || principal === request.principal),
    );
    const drawn = this.#laid[index];
    if (drawn === undefined) return undefined;
    const { card, until } = drawn;
    const rest = card.count > 1 ? [{ card: { ...card, count: card.count - 1 }, until }] : [];
    this.#laid = [...this.#laid.slice(0, index), ...rest, ...this.#laid.slice(index + 1)];
    return card;
  }

  /** Whether a card says that the caller may not do it, without using the card up: what the vendor's own tests of permissions tell. */
  isDenied(request: Omit<FaultableRequest, 'service'>): boolean {
    return this.#current().some(
      ({ card: { kind, operation, principal } }) =>
        kind === 'denied' &&
        isIn({ service: 'api', ...request }, operation) &&
        (principal === undefined || principal === request.principal),
    );
  }

  #current(): readonly Laid[] {
    const now = this.#clock.monotonic();
    return this.#laid.filter(({ until }) => until > now);
  }
}

const POLLS = new Set(['operations.get', 'zoneOperations.wait', 'zoneOperations.get']);
/** Where each vendor's metadata service hands out credentials. */
const IDENTITY_PATH = /\/(iam|oauth2|identity|service-accounts)\//;
/** Getting a session token is how OCI's callers begin, and no read of theirs. */
const SIGN_IN = 'GetSecurityToken';

/** @param wanted an operation, or one of `OPERATION_GROUPS` */
function isIn({ service, operation, mutating }: FaultableRequest, wanted: string): boolean {
  switch (wanted) {
    case '*':
      return service === 'api';
    case 'writes':
      return service === 'api' && mutating;
    case 'reads':
      return service === 'api' && !mutating && !POLLS.has(operation) && operation !== SIGN_IN;
    case 'polls':
      return POLLS.has(operation);
    case 'metadata':
      return service === 'imds';
    case 'identity':
      return service === 'imds' && IDENTITY_PATH.test(operation);
    default:
      return operation === wanted;
  }
}
