/** From what a LAN shows to facts: each segment that this node captures on by proxy ARP is watched for the machines that live there. */
import { createLanObserver, type LanObserver, type LanWire } from '@routerd/dataplane';
import type { PoolContext } from '@routerd/mobility';
import type { Clock, Log } from '@routerd/runtime';
import type { RoutingNode } from './compose-node.ts';
import type { LocalFacts } from './local-facts.ts';
import type { NodeSettings } from './node-settings.ts';

export interface LanWatchPorts {
  readonly wire: LanWire;
  readonly clock: Clock;
  readonly log: Log;
}

export interface LanWatch {
  stop(): Promise<void>;
}

const ORIGIN = 'lan-observer';

export function watchLans(settings: NodeSettings, node: RoutingNode, ports: LanWatchPorts): LanWatch {
  const watched = settings.pools.flatMap((context) => observerOf(context, node, ports) ?? []);
  const observers = watched.map(({ observer }) => observer);
  const ends = [
    node.host.onNeighbor((event) => {
      for (const observer of observers) observer.acceptNeighbor(event);
    }),
    ...watched.map(({ observer, facts }) => facts.onReleased((address) => observer.forget(address))),
  ];
  for (const observer of observers) observer.start();
  // Machines that were asserted before a restart and say nothing by themselves would be taken for gone when their TTL passes.
  for (const observer of observers) void observer.lookFor(node.lastOwnObservations(ORIGIN));
  return {
    async stop() {
      for (const end of ends) end();
      await Promise.all(observers.map(async (observer) => observer.stop()));
    },
  };
}

interface Watched {
  readonly observer: LanObserver;
  readonly facts: LocalFacts;
}

function observerOf(context: PoolContext, node: RoutingNode, ports: LanWatchPorts): Watched | undefined {
  const capture = context.selfMember?.spec.capture;
  const facts = node.localFacts.get(context.name);
  if (capture?.type !== 'proxy-arp' || facts === undefined) return undefined;
  const observer = createLanObserver(ports, {
    interfaceName: capture.interface,
    prefix: context.prefix,
    isIgnored: (address) => !facts.isMobile(address) || node.isCapturedHere(address) !== undefined,
    onObserved: (address) => facts.assert(address, ORIGIN),
    onGone: (address) => facts.withdraw(address, ORIGIN),
  });
  return { observer, facts };
}
