/** What the daemon answers about the group: its connection, its peers, its deliveries, and facts as they come. */
import type { EventFault, EventFilter, Federation } from '@routerd/federation';
import { parseDuration, unreachable } from '@routerd/resources';
import { z } from 'zod';
import type { RecentFacts } from '../recent-facts.ts';
import { factsView } from '../views/fact-view.ts';
import { customEventsView, deliveriesView, federationStatusView, peersView } from '../views/federation-view.ts';
import type { ApiAnswer, Route } from './http-server.ts';

/** Shorter than clients wait for an answer. */
const WAIT_MS_MAX = 20_000;

export interface FederationRoutesOptions {
  readonly federation: Federation;
  readonly recent: RecentFacts;
  readonly within: (milliseconds: number) => AbortSignal;
}

export function federationRoutes({ federation, recent, within }: FederationRoutesOptions): readonly Route[] {
  const done = (body: unknown): ApiAnswer => ({ status: 200, body });
  return [
    { method: 'GET', pattern: '/v1/federation/status', handle: () => done(federationStatusView(federation)) },
    { method: 'GET', pattern: '/v1/federation/peers', handle: () => done(peersView(federation.peers())) },
    {
      method: 'GET',
      pattern: '/v1/federation/deliveries',
      handle: () => done(deliveriesView(federation.deliveries())),
    },
    {
      method: 'GET',
      pattern: '/v1/federation/custom-events',
      handle: ({ query }) => done(customEventsView(federation.events.events(filterOf(query)))),
    },
    { method: 'POST', pattern: '/v1/federation/custom-events', handle: ({ body }) => emitCustom(federation, body) },
    {
      method: 'GET',
      pattern: '/v1/federation/news',
      handle: async ({ query }) => {
        const text = query.get('after');
        const after = text === null ? undefined : Number(text);
        if (after !== undefined && (!Number.isSafeInteger(after) || after < 0)) return BAD_NUMBER;
        if (after !== undefined) await recent.until(after, within(WAIT_MS_MAX));
        const { facts, last, missed } = recent.since(after);
        return done({ last, missed, ...factsView(facts) });
      },
    },
  ];
}

function filterOf(query: URLSearchParams): EventFilter {
  return { types: query.getAll('type'), subjectPrefixes: query.getAll('subjectPrefix') };
}

const draft = z.strictObject({
  type: z.string(),
  subject: z.string(),
  dedupeKey: z.string().optional(),
  payload: z.record(z.string(), z.string()).default({}),
  ttl: z.string().default('24h'),
});

function emitCustom(federation: Federation, body: unknown): ApiAnswer {
  const parsed = draft.safeParse(body);
  const ttl = parseDuration(parsed.data?.ttl ?? '');
  if (!parsed.success || !ttl.ok) {
    const message = parsed.success ? `"${parsed.data.ttl}" is not a duration.` : z.prettifyError(parsed.error);
    return { status: 400, fault: { code: 'event.malformed', message } };
  }
  const { type, subject, dedupeKey, payload } = parsed.data;
  const emitted = federation.events.emit({
    type,
    subject,
    payload,
    ttl: ttl.value,
    ...(dedupeKey === undefined ? {} : { dedupeKey }),
  });
  return emitted.ok
    ? { status: 200, body: { id: emitted.value.id } }
    : { status: 409, fault: { code: emitted.error.code, message: faultText(emitted.error) } };
}

function faultText(fault: EventFault): string {
  switch (fault.code) {
    case 'event.reserved-type':
      return `${fault.type} is the type of a fact about an address: emit it with --address.`;
    case 'event.malformed':
      return `The event has not the form of one: ${fault.detail}.`;
    case 'event.not-stored':
      return `The event could not be stored: ${fault.detail}.`;
    default:
      return unreachable(fault);
  }
}

const BAD_NUMBER: ApiAnswer = {
  status: 400,
  fault: {
    code: 'federation.bad-number',
    message: '"after" is the number of the last news; without it they begin now.',
  },
};
