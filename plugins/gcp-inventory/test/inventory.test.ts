import { instanceDocumentOf, type InstanceDocument } from '@routerd/plugin-gcp';
import type { CloudNews, NewsFeed, ObserveRequest, ObserveResult } from '@routerd/plugin-sdk';
import { describe, expect, test } from 'vitest';
import { aboutEntry, createGcpInventory, type Reads } from '../src/index.ts';

const LINK = 'https://www.googleapis.com/compute/v1';
const nameOf = (instance: string): string => `projects/p/zones/z/instances/${instance}`;

const request: ObserveRequest = {
  trigger: { type: 'interval', topic: '' },
  startupConfigHash: 'ab',
  effectiveGeneration: 1,
  previousDynamicGeneration: 0,
  now: '2026-11-21T08:00:00.000Z',
  events: [],
  context: {
    resources: [
      {
        apiVersion: 'mobility.routerd.net/v1alpha1',
        kind: 'MobilityPool',
        name: 'lab',
        spec: { prefix: '10.77.60.0/24' },
      },
    ],
  },
};

interface InstanceOptions {
  readonly status?: string;
  readonly forwards?: boolean;
  readonly subnetwork?: string;
}

function instance(name: string, networkIP: string, ranges: readonly string[], options: InstanceOptions = {}) {
  const { status = 'RUNNING', forwards = false, subnetwork = 'mobility' } = options;
  return instanceDocumentOf({
    selfLink: `${LINK}/${nameOf(name)}`,
    status,
    canIpForward: forwards,
    networkInterfaces: [
      {
        name: 'nic0',
        networkIP,
        subnetwork: `${LINK}/projects/p/regions/r/subnetworks/${subnetwork}`,
        fingerprint: 'f',
        aliasIpRanges: ranges.map((ipCidrRange) => ({ ipCidrRange })),
      },
    ],
  });
}

class ComputeTwin implements Reads {
  instances: readonly InstanceDocument[] = [];

  constructor(status = 'RUNNING') {
    this.instances = [
      instance('router', '10.77.60.4', ['10.77.60.90/32'], { forwards: true }),
      instance('vm', '10.77.60.21', ['10.77.60.22', '10.77.60.64/28'], { status }),
      instance('elsewhere', '10.77.61.21', [], { subnetwork: 'other' }),
    ];
  }

  async readInstance(name: string): Promise<InstanceDocument | undefined> {
    return name === nameOf('router') ? instance('router', '10.77.60.4', [], { forwards: true }) : undefined;
  }

  async listInstances(): Promise<readonly InstanceDocument[]> {
    return this.instances;
  }
}

async function observe(
  compute: ComputeTwin,
  environment: Readonly<Record<string, string>> = {},
): Promise<ObserveResult> {
  const all = { GCP_NIC: `${nameOf('router')}/networkInterfaces/nic0`, ...environment };
  const connectQueue = async (): Promise<NewsFeed> => Promise.reject(new Error('there is no queue'));
  const plugin = createGcpInventory({ environment: all, connect: () => compute, connectQueue });
  return plugin.observe(request, () => undefined);
}

describe('the GCP inventory', () => {
  test.each([
    ['RUNNING', 'release', 'observed'],
    ['STOPPING', 'release', 'observed'],
    ['TERMINATED', 'hold', 'observed'],
    ['TERMINATED', 'release', 'expired'],
    ['SUSPENDED', 'release', 'expired'],
    ['DEPROVISIONING', 'hold', 'expired'],
    ['', 'release', 'observed'],
  ])('of a machine that is "%s", by the policy %s, tells single addresses as %s', async (status, policy, word) => {
    const { events } = await observe(new ComputeTwin(status), { ROUTERD_POWER_STATE: policy });
    const type = `routerd.client.ipv4.${word}`;
    expect(events).toEqual(['10.77.60.21/32', '10.77.60.22/32'].map((subject) => ({ type, subject, pool: 'lab' })));
  });

  test('believes no listing without its own NIC, and none that fails', async () => {
    const compute = new ComputeTwin();
    compute.instances = compute.instances.slice(1);
    await expect(observe(compute)).rejects.toThrow('half of it is missing');
    compute.listInstances = async () => Promise.reject(new Error('no'));
    await expect(observe(compute)).rejects.toThrow('listing the instances of projects/p failed');
  });

  test.each([
    ['its NIC', '', 'spec.env.GCP_NIC is missing'],
    ['a whole name', 'router', '"router" is not written as projects/'],
    ['a NIC that exists', `${nameOf('nobody')}/networkInterfaces/nic0`, 'Compute Engine knows no NIC'],
  ])('needs %s, and says so', async (_, GCP_NIC, message) => {
    await expect(observe(new ComputeTwin(), { GCP_NIC })).rejects.toThrow(message);
  });
});

describe('the GCP inventory that follows events', () => {
  const followed: ObserveRequest = { ...request, trigger: { type: 'follow', topic: '' } };
  const GCP_NIC = `${nameOf('router')}/networkInterfaces/nic0`;

  test('looks when its subscription has told of something, not before', async () => {
    const steps: string[] = [];
    const compute = new ComputeTwin();
    const { instances } = compute;
    compute.listInstances = async () => {
      steps.push('listed');
      return instances;
    };
    const batches: (readonly CloudNews[])[] = [[{ about: 'instances.stop vm', isRepeated: true, receipt: 'r' }]];
    const feed: NewsFeed = {
      receive: async () => {
        steps.push('received');
        return batches.shift() ?? [];
      },
      remove: async (receipts) => void steps.push(`removed ${receipts.join()}`),
    };
    const plugin = createGcpInventory({
      environment: { GCP_NIC, GCP_SUBSCRIPTION: 'projects/p/subscriptions/s' },
      connect: () => compute,
      connectQueue: async (subscription) => {
        steps.push(subscription);
        return feed;
      },
    });
    await plugin.observe(followed, () => undefined);
    expect(steps).toEqual(['projects/p/subscriptions/s', 'received', 'received', 'removed r', 'listed']);
  });

  test.each([
    ['without a subscription', {}, 'spec.env.GCP_SUBSCRIPTION is missing'],
    ['with half a name', { GCP_SUBSCRIPTION: 's' }, '"s" is not written as projects/'],
  ])('%s says so', async (_, more, message) => {
    const connectQueue = async (): Promise<NewsFeed> => Promise.reject(new Error('there is no queue'));
    const environment = { GCP_NIC, ...more };
    const plugin = createGcpInventory({ environment, connect: () => new ComputeTwin(), connectQueue });
    await expect(plugin.observe(followed, () => undefined)).rejects.toThrow(message);
  });
});

test.each([
  [
    '{"protoPayload":{"methodName":"v1.compute.instances.stop","resourceName":"projects/p/zones/z/instances/vm"}}',
    'instances.stop vm',
  ],
  ['{"protoPayload":{"methodName":"v1.compute.instances.insert"}}', 'instances.insert'],
  ['{}', 'something'],
  ['not JSON', 'something'],
])('the entry %s is about %s', (text, about) => {
  expect(aboutEntry(text)).toBe(about);
});
