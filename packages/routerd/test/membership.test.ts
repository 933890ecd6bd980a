/** What the operator's list makes of a configuration. */
import { clusterOf, parseGroupName, SERIAL_ANNOTATION, type Roster } from '@routerd/federation';
import { loadConfiguration, ofKind, parseNodeName, type NodeName, type Resource } from '@routerd/resources';
import { describe, expect, it } from 'vitest';
import { withRoster } from '../src/membership.ts';

const KEY = `U${'A'.repeat(55)}`;
const OTHER_KEY = `U${'B'.repeat(55)}`;

function configured(more: string): readonly Resource[] {
  const { resources, diagnostics } = loadConfiguration([
    {
      file: 'federation.yaml',
      text: `apiVersion: federation.routerd.net/v1alpha1
kind: EventGroup
metadata: { name: demo }
spec:
  nodeName: hub-1
  servers: ["tls://192.0.2.1:4222"]
  identity: { seedFile: /etc/node.seed }
  tls: { caFile: /etc/ca.pem }
${more}---
apiVersion: federation.routerd.net/v1alpha1
kind: EventPeer
metadata: { name: gone }
spec: { groupRef: demo, nodeName: gone, publicKey: ${KEY} }
`,
    },
  ]);
  expect(diagnostics.filter(({ severity }) => severity === 'error')).toEqual([]);
  return resources.map(({ value }) => value);
}

const HUB = `  role: hub
  server: managed
  listen: { address: 192.0.2.1, port: 4222 }
  hub: { operatorSeedFile: /etc/operator.seed }
`;

function rosterOf(hubs: number, group = 'demo'): Roster {
  const name = parseGroupName(group);
  if (!name.ok) throw new Error(group);
  const all = Array.from({ length: hubs }, (_, index) => index + 1);
  return {
    group: name.value,
    serial: 1,
    hubs: new Map(all.map((each) => [nodeName(`hub-${each}`), { address: `192.0.2.${each}`, port: 4222 }])),
    nodes: new Map([
      [nodeName('hub-1'), { publicKey: KEY }],
      [nodeName('aws-a'), { publicKey: OTHER_KEY }],
    ]),
  };
}

function nodeName(text: string): NodeName {
  const parsed = parseNodeName(text);
  if (!parsed.ok) throw new Error(text);
  return parsed.value;
}

describe('a list of members over a configuration', () => {
  it('replaces the peers and the servers of a node, and itself is no peer', () => {
    const told = withRoster(configured(''), rosterOf(3));
    expect(ofKind(told, 'EventPeer').map(({ spec }) => spec.nodeName)).toEqual(['aws-a']);
    const [group] = ofKind(told, 'EventGroup');
    expect(group?.spec.servers).toEqual([1, 2, 3].map((each) => `tls://192.0.2.${each}:4222`));
    expect(group?.spec.hub).toBeUndefined();
  });

  it('makes a hub one of a cluster as soon as there are others, with three replicas from three on', () => {
    for (const [hubs, replicas] of [
      [1, 1],
      [2, 1],
      [3, 3],
    ] as const) {
      const [group] = ofKind(withRoster(configured(HUB), rosterOf(hubs)), 'EventGroup');
      expect(group?.spec.hub?.replicas).toBe(replicas);
      const others = [...rosterOf(hubs).hubs.values()].slice(1);
      const { cluster } = clusterOf({ address: '192.0.2.1', port: 4222 }, others);
      expect(group?.spec.hub?.cluster).toEqual(cluster);
    }
  });

  it('does not count beside a newer one that was brought by hand', () => {
    const startup = configured('');
    const byHand = startup.map((resource) =>
      resource.kind === 'EventPeer'
        ? { ...resource, metadata: { ...resource.metadata, annotations: { [SERIAL_ANNOTATION]: '2' } } }
        : resource,
    );
    expect(withRoster(byHand, rosterOf(3))).toBe(byHand);
    expect(withRoster(byHand, { ...rosterOf(3), serial: 2 })).not.toBe(byHand);
  });

  it('says nothing about another group', () => {
    const startup = configured('');
    expect(withRoster(startup, rosterOf(3, 'other'))).toBe(startup);
    expect(withRoster(startup, undefined)).toBe(startup);
  });
});
