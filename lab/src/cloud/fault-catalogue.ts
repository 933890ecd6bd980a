/**
 * What goes wrong at clouds, by name: each card is what to lay out at an emulator so that its callers meet it. Pure.
 * Where a vendor has no such thing the card says why, so that nobody takes a silent card for a passed test.
 */
import type { CloudConfig } from './cloud-config.ts';
import { COUNT_MAX, type CardOrder, type FaultRequest, type Knobs } from './control-messages.ts';

type CloudName = CloudConfig['cloud'];

interface FaultPart {
  readonly kind: FaultRequest['kind'];
  readonly operation: string;
  /** How many requests meet it, unless the order says otherwise. */
  readonly count: number;
}

export interface Card {
  readonly about: string;
  /** What `amount` counts, and how many of them there are unless the order says otherwise. */
  readonly amount?: { readonly unit: 'ms' | 'addresses' | 'percent'; readonly usual: number };
  readonly faults?: readonly FaultPart[];
  readonly knobs?: (amount: number) => Partial<Knobs>;
  /** Why a vendor has no such thing. */
  readonly absent?: Readonly<Partial<Record<CloudName, string>>>;
}

const NO_OPERATIONS = 'its calls are answered when they are done; there is no operation to end badly';
const once = (kind: FaultPart['kind'], operation = 'writes'): readonly FaultPart[] => [{ kind, operation, count: 1 }];
const lasting = (kind: FaultPart['kind'], operation: string): readonly FaultPart[] => [
  { kind, operation, count: COUNT_MAX },
];

export const FAULT_CARDS = {
  error: { about: 'the next write gets a 5xx, and nothing was done', faults: once('error-before') },
  'error-after': { about: 'the next write is done, and answered with a 5xx', faults: once('error-after') },
  'lost-reply': { about: 'the next write is done, and its connection reset', faults: once('reset-after') },
  hang: { about: 'the next write is neither done nor answered', faults: once('hang') },
  throttle: {
    about: 'the next write is throttled, with Retry-After where the vendor sends it',
    faults: once('throttle'),
  },
  'throttle-reads': { about: 'the next read is throttled', faults: once('throttle', 'reads') },
  quota: {
    about: "calls are counted as the vendor counts them, and refused when the account's bucket is empty",
    amount: { unit: 'percent', usual: 100 },
    knobs: (quotaPercent) => ({ quotaPercent }),
  },
  busy: { about: 'the next write is refused because something else is under way', faults: once('busy') },
  conflict: {
    about: 'somebody else writes the object just before the next write, whose etag or fingerprint is out of date then',
    faults: once('overtaken'),
    absent: { aws: 'EC2 has no conditional writes' },
  },
  limit: {
    about: 'NICs may have so many addresses and no more, the primary included',
    amount: { unit: 'addresses', usual: 1 },
    knobs: (addressesPerNicMax) => ({ addressesPerNicMax }),
  },
  latency: {
    about: 'each write, or its operation, takes longer',
    amount: { unit: 'ms', usual: 300 },
    knobs: (latencyMs) => ({ latencyMs }),
  },
  'stale-reads': {
    about: 'lists and describes tell what was true a while ago',
    amount: { unit: 'ms', usual: 1000 },
    knobs: (readLagMs) => ({ readLagMs }),
  },
  lingering: {
    about: 'an address that was released still counts as taken for a while',
    amount: { unit: 'ms', usual: 600 },
    knobs: (releaseLagMs) => ({ releaseLagMs }),
    absent: {
      aws: 'an address is moved in one call',
      oci: 'an address is moved in one call',
      gcp: 'nobody has reported it there',
    },
  },
  'operation-failed': {
    about: 'the next operation is accepted and ends badly, with nothing done',
    faults: once('operation-failed'),
    absent: { aws: NO_OPERATIONS, oci: NO_OPERATIONS },
  },
  'operation-half-done': {
    about: 'the next operation is accepted and says that it failed, and the change was made',
    faults: once('operation-half-done'),
    absent: { aws: NO_OPERATIONS, oci: NO_OPERATIONS },
  },
  'polls-fail': {
    about: 'the next three looks at a running operation get a 5xx',
    faults: [{ kind: 'error-before', operation: 'polls', count: 3 }],
    absent: { aws: NO_OPERATIONS, oci: NO_OPERATIONS },
  },
  denied: { about: 'the identity may read, and may not write', faults: lasting('denied', 'writes') },
  'denied-reads': { about: 'the identity may not even read', faults: lasting('denied', 'reads') },
  unauthenticated: {
    about: 'the next call has a credential that is not accepted',
    faults: once('unauthenticated', '*'),
  },
  'no-identity': {
    about: 'the metadata service has no credentials for the machine',
    faults: lasting('denied', 'identity'),
  },
  'identity-error': {
    about: 'the metadata service fails at the next request for credentials',
    faults: once('error-before', 'identity'),
  },
  'identity-hang': { about: 'the metadata service swallows requests', faults: lasting('hang', 'metadata') },
  'late-fabric': {
    about: 'packets follow a change a while after the API has told of it',
    amount: { unit: 'ms', usual: 1000 },
    knobs: (fabricLagMs) => ({ fabricLagMs }),
  },
} as const satisfies Readonly<Record<string, Card>>;

export type CardName = keyof typeof FAULT_CARDS;
export const CARD_NAMES: readonly CardName[] = Object.keys(FAULT_CARDS).filter(isCardName);

export function isCardName(name: string): name is CardName {
  return Object.hasOwn(FAULT_CARDS, name);
}

export function cardOf(name: CardName): Card {
  return FAULT_CARDS[name];
}

/** @returns why that vendor has no such thing */
export function absenceOf(name: CardName, cloud: CloudName): string | undefined {
  return cardOf(name).absent?.[cloud];
}

export interface Play {
  readonly faults: readonly FaultRequest[];
  readonly knobs: Partial<Knobs>;
}

/** What to lay out for one card. */
export function playOf(name: CardName, { count, forMs, amount, principal, operation }: Omit<CardOrder, 'card'>): Play {
  const card = cardOf(name);
  const faults = (card.faults ?? []).map((part) => ({
    card: name,
    kind: part.kind,
    operation: operation ?? part.operation,
    count: count ?? part.count,
    ...(forMs === undefined ? {} : { forMs }),
    ...(principal === undefined ? {} : { principal }),
  }));
  return { faults, knobs: card.knobs?.(amount ?? card.amount?.usual ?? 0) ?? {} };
}
