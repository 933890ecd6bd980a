/** What the daemon answers about the group: its connection, its peers, its deliveries, and facts as they come. */
import type { Federation } from '@routerd/federation';
import type { RecentFacts } from '../recent-facts.ts';
import { factsView } from '../views/fact-view.ts';
import { deliveriesView, federationStatusView, peersView } from '../views/federation-view.ts';
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

const BAD_NUMBER: ApiAnswer = {
  status: 400,
  fault: {
    code: 'federation.bad-number',
    message: '"after" is the number of the last news; without it they begin now.',
  },
};
