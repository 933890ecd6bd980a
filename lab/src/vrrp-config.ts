/** The two on-prem routers as a VRRP pair: whoever is master of one more address of the LAN captures there. */
import { stringify } from 'yaml';
import { z } from 'zod';
import { changedConfig, withMembers, type ResourceText } from './redeploy.ts';
import { routersAt } from './topology.ts';

/** Nobody's until then; the pool has to leave it alone. */
export const VIRTUAL_ADDRESS = '10.77.60.254';
const NAME = 'lan-master';
const VIRTUAL_ROUTER_ID = 60;
/** Higher wins, unlike in a pool. */
const PRIORITIES = { a: 150, b: 100, c: 50 } as const;

const texts = z.array(z.string());
const capture = z.looseObject({ type: z.string() });

/** The configuration of one router, with the address where it is on-prem, and with the pool's new text everywhere. */
export function withVrrp(routerName: string, text: string): string {
  const changed = changedConfig(text, followingVrrp);
  const pair = routersAt('onprem');
  const own = pair.find(({ name }) => name === routerName);
  if (own === undefined) return changed;
  const address = {
    apiVersion: 'net.routerd.net/v1alpha1',
    kind: 'VirtualAddress',
    metadata: { name: NAME },
    spec: {
      interface: own.nic,
      address: `${VIRTUAL_ADDRESS}/32`,
      mode: 'vrrp',
      vrrp: {
        virtualRouterID: VIRTUAL_ROUTER_ID,
        priority: PRIORITIES[own.letter],
        peers: pair.filter(({ name }) => name !== routerName).map((peer) => peer.address),
      },
    },
  };
  return `${changed}---\n${stringify(address, { lineWidth: 0 })}`;
}

function followingVrrp(document: ResourceText): ResourceText {
  const gated = withMembers(document, (member) => {
    const how = capture.parse(member['capture']);
    const activeWhen = { type: 'vrrp-master', virtualAddressRef: NAME };
    return how.type === 'proxy-arp' ? { ...member, capture: { ...how, activeWhen } } : member;
  });
  if (gated.kind !== 'MobilityPool') return gated;
  const excludedAddresses = [...texts.parse(gated.spec['excludedAddresses']), `${VIRTUAL_ADDRESS}/32`];
  return { ...gated, spec: { ...gated.spec, excludedAddresses } };
}
