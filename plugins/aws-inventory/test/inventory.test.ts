import type { NetworkInterface } from '@routerd/plugin-aws';
import type { CloudNews, NewsFeed, ObserveRequest, ObserveResult } from '@routerd/plugin-sdk';
import { describe, expect, test } from 'vitest';
import { aboutEvent, createAwsInventory, type Reads } from '../src/index.ts';

const POOL = {
  apiVersion: 'mobility.routerd.net/v1alpha1',
  kind: 'MobilityPool',
  name: 'lab',
  spec: { prefix: '10.77.60.0/24' },
};

const request = (resources: ObserveRequest['context']['resources']): ObserveRequest => ({
  trigger: { type: 'interval', topic: '' },
  startupConfigHash: 'ab',
  effectiveGeneration: 1,
  previousDynamicGeneration: 0,
  now: '2026-11-21T08:00:00.000Z',
  events: [],
  context: { resources },
});

const nic = (id: string, primary: string, more: Partial<NetworkInterface> = {}): NetworkInterface => ({
  id,
  subnetId: 'subnet',
  primary,
  secondaries: [],
  sourceDestCheck: true,
  instanceId: `i-${id}`,
  ...more,
});

class SubnetTwin implements Reads {
  interfaces: readonly NetworkInterface[] = [
    nic('eni-a', '10.77.60.4', { sourceDestCheck: false, secondaries: ['10.77.60.90'] }),
    nic('eni-vm', '10.77.60.21', { secondaries: ['10.77.60.22', '192.0.2.1'] }),
    nic('eni-spare', '10.77.60.30', { instanceId: undefined }),
  ];
  states: ReadonlyMap<string, string> = new Map([['i-eni-vm', 'running']]);

  async readInterface(id: string): Promise<NetworkInterface | undefined> {
    return nic(id, '10.77.60.4');
  }

  async listSubnet(): Promise<readonly NetworkInterface[]> {
    return this.interfaces;
  }

  async listStates(): Promise<ReadonlyMap<string, string>> {
    return this.states;
  }
}

async function observe(
  subnet: SubnetTwin,
  environment: Readonly<Record<string, string>> = {},
  resources: ObserveRequest['context']['resources'] = [POOL],
): Promise<ObserveResult> {
  const all = { AWS_ENI: 'eni-a', AWS_REGION: 'eu-west-1', ...environment };
  const connectQueue = async (): Promise<NewsFeed> => Promise.reject(new Error('there is no queue'));
  const plugin = createAwsInventory({ environment: all, connect: () => subnet, connectQueue });
  return plugin.observe(request(resources), () => undefined);
}

describe('the AWS inventory', () => {
  test.each([
    ['running', 'release', 'observed'],
    ['stopping', 'release', 'observed'],
    ['stopped', 'hold', 'observed'],
    ['stopped', 'release', 'expired'],
    ['pending', 'release', 'observed'],
    ['shutting-down', 'hold', 'expired'],
    ['terminated', 'hold', 'expired'],
    ['paused', 'release', 'observed'],
  ])(
    'of a machine that is %s, by the policy %s, tells every address of the pool as %s',
    async (state, policy, said) => {
      const subnet = new SubnetTwin();
      subnet.states = new Map([['i-eni-vm', state]]);
      const { events } = await observe(subnet, { ROUTERD_POWER_STATE: policy });
      const type = `routerd.client.ipv4.${said}`;
      expect(events).toEqual(['10.77.60.21/32', '10.77.60.22/32'].map((subject) => ({ type, subject, pool: 'lab' })));
    },
  );

  test('takes a machine whose state nobody tells for here', async () => {
    const subnet = new SubnetTwin();
    subnet.states = new Map();
    const { events = [] } = await observe(subnet);
    expect(events.map(({ type }) => type)).toEqual(Array(2).fill('routerd.client.ipv4.observed'));
  });

  test('believes no listing without its own interface, and none that fails', async () => {
    const subnet = new SubnetTwin();
    subnet.interfaces = subnet.interfaces.slice(1);
    await expect(observe(subnet)).rejects.toThrow('does not include eni-a');
    subnet.listStates = async () => Promise.reject(new Error('no'));
    await expect(observe(subnet)).rejects.toThrow('listing the instances of subnet failed');
  });

  test.each([
    ['its interface', { AWS_ENI: '' }, [POOL], 'spec.env.AWS_ENI is missing'],
    ['its region', { AWS_REGION: '' }, [POOL], 'spec.env.AWS_REGION is missing'],
    ['a policy that exists', { ROUTERD_POWER_STATE: 'off' }, [POOL], 'is neither hold nor release'],
    ['a pool', {}, [], 'has to name one MobilityPool'],
    ['one pool', {}, [POOL, POOL], 'has to name one MobilityPool'],
  ])('needs %s, and says so', async (_, environment, resources, message) => {
    await expect(observe(new SubnetTwin(), environment, resources)).rejects.toThrow(message);
  });
});

describe('the AWS inventory that follows events', () => {
  const followed: ObserveRequest = { ...request([POOL]), trigger: { type: 'follow', topic: '' } };
  const environment = {
    AWS_ENI: 'eni-a',
    AWS_REGION: 'eu-west-1',
    AWS_QUEUE_URL: 'https://sqs.eu-west-1.amazonaws.com/1/q',
  };

  test('looks when its queue has told of something, not before', async () => {
    const steps: string[] = [];
    const subnet = new SubnetTwin();
    subnet.listSubnet = async () => {
      steps.push('listed');
      return subnet.interfaces;
    };
    const batches: (readonly CloudNews[])[] = [[{ about: 'a stop', isRepeated: false, receipt: 'r' }]];
    const feed: NewsFeed = {
      receive: async () => {
        steps.push('received');
        return batches.shift() ?? [];
      },
      remove: async () => undefined,
    };
    const asked: unknown[] = [];
    const plugin = createAwsInventory({
      environment,
      connect: () => subnet,
      connectQueue: async (options) => {
        asked.push(options);
        return feed;
      },
    });
    const { events = [] } = await plugin.observe(followed, () => undefined);
    expect(events.map(({ subject }) => subject)).toEqual(['10.77.60.21/32', '10.77.60.22/32']);
    expect(steps).toEqual(['received', 'received', 'listed']);
    expect(asked).toEqual([{ url: environment.AWS_QUEUE_URL, region: 'eu-west-1' }]);
  });

  test.each([
    ['without a queue', undefined, 'spec.env.AWS_QUEUE_URL is missing'],
    ['with something else', 'http://localhost/q', '"http://localhost/q" is not the URL of a queue'],
  ])('%s says so', async (_, AWS_QUEUE_URL, message) => {
    const connectQueue = async (): Promise<NewsFeed> => Promise.reject(new Error('there is no queue'));
    const { AWS_QUEUE_URL: _without, ...rest } = environment;
    const given = AWS_QUEUE_URL === undefined ? rest : { ...rest, AWS_QUEUE_URL };
    const plugin = createAwsInventory({ environment: given, connect: () => new SubnetTwin(), connectQueue });
    await expect(plugin.observe(followed, () => undefined)).rejects.toThrow(message);
  });
});

test.each([
  [
    '{"detail-type":"EC2 Instance State-change Notification","detail":{"instance-id":"i-1","state":"stopped"}}',
    'i-1 stopped',
  ],
  ['{"detail":{"eventName":"AssignPrivateIpAddresses"}}', 'AssignPrivateIpAddresses'],
  ['{"detail-type":"Scheduled Event"}', 'Scheduled Event'],
  ['not JSON', 'something'],
])('the event %s is about %s', (body, about) => {
  expect(aboutEvent(body)).toBe(about);
});
