/** What the planner derived, put into the configuration: one claim that cannot be there costs itself. */
import { poolContexts } from '@routerd/mobility';
import { instant, loadConfiguration, parseResource, type Resource, type ResourceOf } from '@routerd/resources';
import { expect, test } from 'vitest';
import { deriveConfig, type PlannedPool } from '../src/derived-config.ts';

const STARTUP = `apiVersion: federation.routerd.net/v1alpha1
kind: EventGroup
metadata: { name: fleet }
spec: { nodeName: self, servers: ['nats://127.0.0.1:4222'], identity: { seedFile: /n.nk } }
---
apiVersion: mobility.routerd.net/v1alpha1
kind: MobilityPool
metadata: { name: demo }
spec:
  prefix: 10.77.60.0/24
  groupRef: fleet
  members:
    - { nodeRef: self, site: here, role: onprem, capture: { type: proxy-arp, interface: lan0 } }
    - { nodeRef: other, site: there, role: onprem, capture: { type: proxy-arp, interface: lan0 } }
---
apiVersion: hybrid.routerd.net/v1alpha1
kind: OverlayPeer
metadata: { name: other }
spec: { role: onprem, nodeID: other, underlay: { type: route, interface: ov0 } }
`;
/** By hand, under the name that the planner would choose for 10.77.60.11. */
const BY_HAND = `---
apiVersion: hybrid.routerd.net/v1alpha1
kind: AddressMobilityDomain
metadata: { name: hand }
spec: { prefix: 10.77.61.0/24, mode: selective-address }
---
apiVersion: hybrid.routerd.net/v1alpha1
kind: RemoteAddressClaim
metadata: { name: planned-11 }
spec:
  domainRef: hand
  address: 10.77.61.11/32
  ownerSide: onprem
  capture: { type: proxy-arp, interface: lan0 }
  delivery: { peerRef: other }
`;

function startupOf(text: string): readonly Resource[] {
  const { resources, diagnostics } = loadConfiguration([{ file: 'router.yaml', text }]);
  expect(diagnostics.filter(({ severity }) => severity === 'error')).toEqual([]);
  return resources.map(({ value }) => value);
}

function claim(host: number, domainRef: string): ResourceOf<'RemoteAddressClaim'> {
  const parsed = parseResource({
    apiVersion: 'hybrid.routerd.net/v1alpha1',
    kind: 'RemoteAddressClaim',
    metadata: { name: `planned-${host}` },
    spec: {
      domainRef,
      address: `10.77.60.${host}/32`,
      ownerSide: 'onprem',
      capture: {
        type: 'proxy-arp',
        interface: 'lan0',
        activeWhen: { type: 'capture-holder', captureKey: `demo|10.77.60.${host}/32|site:here:segment:lan0` },
      },
      delivery: { peerRef: 'other' },
    },
  });
  if (!parsed.ok || parsed.value.kind !== 'RemoteAddressClaim') throw new Error(JSON.stringify(parsed));
  return parsed.value;
}

function planned(startup: readonly Resource[], hosts: readonly number[]): PlannedPool {
  const contexts = poolContexts(startup);
  const context = contexts.ok ? contexts.value[0] : undefined;
  if (context === undefined) throw new Error('the configuration has a pool');
  const plans = hosts.map((host) => ({ claim: claim(host, 'mobility-demo'), captureOpen: true }));
  return { context, plans: () => plans };
}

test('every claim of a pool is in effect when nothing is in the way', () => {
  const startup = startupOf(STARTUP);
  const { claims, problems, config } = deriveConfig(startup, [planned(startup, [10, 11])], instant(0));
  expect(claims.map(({ address }) => address)).toEqual(['10.77.60.10/32', '10.77.60.11/32']);
  expect(problems).toEqual([]);
  expect(config.nextExpiry).toBeUndefined();
});

test('a claim whose name is taken by hand is set aside with its reason, and the others of its pool stand', () => {
  const startup = startupOf(`${STARTUP}${BY_HAND}`);
  const { claims, problems } = deriveConfig(startup, [planned(startup, [10, 11, 12])], instant(0));
  expect(claims.map(({ address }) => address)).toEqual(['10.77.60.10/32', '10.77.61.11/32', '10.77.60.12/32']);
  expect(problems).toEqual([
    {
      subject: 'RemoteAddressClaim/planned-11',
      reason: 'RemoteAddressClaim/planned-11 is declared in startup-config already.',
    },
  ]);
});
