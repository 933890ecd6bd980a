/** The plugins that observe, put into a node: what they see of its configuration, and where their facts go. */
import { effectiveConfig, type DynamicConfigPart, type PartStore } from '@routerd/config';
import { FACT_TYPES, type Federation, type GroupEvent } from '@routerd/federation';
import {
  createObservers,
  type ConfigView,
  type EventFeed,
  type FactEvent,
  type FactPublisher,
  type ObservedFact,
  type Observers,
  type PluginRunner,
  type PluginView,
  type RunStore,
  type StandingFacts,
  type SubscriptionView,
} from '@routerd/observers';
import { err, ok, parseHostAddress, type NodeName, type Resource } from '@routerd/resources';
import type { Clock, Log } from '@routerd/runtime';
import type { NodeOrders } from './api/orders.ts';
import type { DerivedConfig } from './derived-config.ts';

/** What a node needs besides to run plugins that observe. */
export interface ObservingAdapters {
  readonly runner: PluginRunner;
  readonly runs: RunStore;
}

export interface ObservingParts extends ObservingAdapters {
  /** Undefined without a federation: then nothing that a plugin saw is kept. */
  readonly self: NodeName | undefined;
  readonly clock: Clock;
  readonly log: Log;
  readonly startup: readonly Resource[];
  readonly parts: PartStore;
  readonly facts: Federation['facts'];
  readonly events: Federation['events'];
  /** What the last pass derived; undefined before the first. */
  readonly derived: () => DerivedConfig | undefined;
  readonly orders: Pick<NodeOrders, 'emit'>;
}

/** What is shown of them. */
export interface ObservingView {
  readonly plugins: readonly PluginView[];
  readonly subscriptions: readonly SubscriptionView[];
}

/** Starts nothing. */
export function observersOf(node: ObservingParts): Observers {
  const { clock, log, runner, runs, parts, facts, events } = node;
  return createObservers({
    clock,
    log,
    runner,
    runs,
    parts,
    facts,
    events: eventFeed(events),
    config: configView(node),
    publish: publisher(node),
    standing: standingFacts(node),
  });
}

/** Without what only the federation needs to know of an event. */
function eventFeed(bus: Federation['events']): EventFeed {
  const told = ({ acceptedAt: _accepted, ttl: _ttl, ...event }: GroupEvent): FactEvent => event;
  return {
    events: () => bus.events().map(told),
    onEvents: (listener) => bus.onEvents((events) => listener(events.map(told))),
  };
}

function configView({ startup, parts, derived, clock }: ObservingParts): ConfigView {
  return {
    startup,
    effective: () => derived()?.effective ?? startup,
    rejection(part: DynamicConfigPart) {
      // The store is ahead of the last pass: of what that merged, only the planner's parts are taken.
      const planned = (derived()?.parts ?? []).filter((other) => !('digest' in other) && !('damage' in other));
      const others = [...planned, ...parts.list()].filter(({ source }) => source !== part.source);
      const verdict = effectiveConfig(startup, [...others, part], clock.now()).rejected.find(
        ({ source }) => source === part.source,
      );
      return verdict?.reason;
    },
  };
}

/** The memory of facts is that of the plugins too: it outlives the daemon. Whoever else spoke of an address since has the say about it. */
function standingFacts({ facts, self }: ObservingParts): StandingFacts {
  return (plugin) =>
    facts
      .accepted()
      .filter(({ fact }) => fact.source === self && fact.origin === `plugin/${plugin}`)
      .filter(({ fact }) => fact.type === 'routerd.client.ipv4.observed')
      .map(({ fact }) => ({ subject: fact.address, pool: fact.pool }));
}

/** A plugin speaks for this node, so it passes the checks of an operator's word: own site, own pool, nothing that is captured here. */
function publisher({ orders }: ObservingParts): FactPublisher {
  return (plugin, fact) => {
    const type = FACT_TYPES.find((known) => known === fact.type);
    if (type === undefined) return err({ message: `there is no such type of fact; types: ${FACT_TYPES.join(', ')}` });
    const address = parseHostAddress(fact.subject);
    if (!address.ok) return err({ message: 'its subject is not an IPv4 host address such as 10.77.60.11/32' });
    const { pool, ttl } = fact;
    const recorded = orders.emit({ type, address: address.value, pool, ttl, origin: `plugin/${plugin}` });
    return recorded.ok ? ok(undefined) : err({ message: refusalOf(recorded.error, fact) });
  };
}

type EmitFault = Extract<ReturnType<NodeOrders['emit']>, { readonly ok: false }>['error'];

function refusalOf(fault: EmitFault, { subject }: ObservedFact): string {
  if ('message' in fault) return fault.message;
  switch (fault.code) {
    case 'fact.self-capture':
      return `address is locally captured by ${fault.detail}`;
    case 'fact.outside-pool':
      return `${subject} lies outside the prefix of pool ${fault.pool}`;
    case 'fact.unknown-pool':
      return `this node has no pool "${fault.pool}"`;
    case 'fact.wrong-site':
      return `this node does not speak for the site of pool ${fault.pool}`;
    case 'fact.not-stored':
      return `it could not be stored: ${fault.detail}`;
  }
}
