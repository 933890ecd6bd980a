/** From what a LAN shows to facts: each pool that this node captures for by proxy ARP has its segment watched. */
import { prefixContains } from '@routerd/resources';
import type { Clock, Log } from '@routerd/runtime';
import type { RoutingNode } from './compose-node.ts';
import type { NodeSettings } from './node-settings.ts';

export interface LanWatch {
  stop(): Promise<void>;
}

const ORIGIN = 'lan-observer';

export function watchLans(
  settings: NodeSettings,
  node: RoutingNode,
  _ports: { readonly clock: Clock; readonly log: Log },
): LanWatch {
  const stops = settings.pools.flatMap((context) => {
    const capture = context.selfMember?.spec.capture;
    if (capture?.type !== 'proxy-arp') return [];
    return [
      node.host.onNeighbor((event) => {
        if (
          event.interface !== capture.interface ||
          event.mac === undefined ||
          !prefixContains(context.prefix, event.address)
        )
          return;
        node.localFacts.get(context.name)?.assert(event.address, ORIGIN);
      }),
    ];
  });
  return {
    async stop() {
      for (const stop of stops) stop();
    },
  };
}
