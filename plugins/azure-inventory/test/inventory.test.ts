import { nicDocumentOf, type NicDocument } from '@routerd/plugin-azure';
import type { CloudNews, NewsFeed, ObserveRequest, ObserveResult } from '@routerd/plugin-sdk';
import { describe, expect, test } from 'vitest';
import { aboutEvent, createAzureInventory, type Reads } from '../src/index.ts';

const SUBSCRIPTION = '/subscriptions/0a';
const GROUP = `${SUBSCRIPTION}/resourceGroups/rg`;
const SUBNET = `${GROUP}/providers/Microsoft.Network/virtualNetworks/v/subnets/mobility`;
const nicId = (name: string): string => `${GROUP}/providers/Microsoft.Network/networkInterfaces/${name}`;
const vmId = (name: string): string => `${GROUP}/providers/Microsoft.Compute/virtualMachines/${name}`;

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

interface NicOptions {
  readonly subnet?: string;
  readonly forwarding?: boolean;
  readonly machine?: string | undefined;
}

function nic(name: string, addresses: readonly string[], options: NicOptions = {}): NicDocument {
  const { subnet = SUBNET, forwarding = false, machine = vmId(name) } = options;
  return nicDocumentOf({
    id: nicId(name),
    etag: 'W/"1"',
    properties: {
      provisioningState: 'Succeeded',
      enableIPForwarding: forwarding,
      ...(machine === '' ? {} : { virtualMachine: { id: machine } }),
      ipConfigurations: addresses.map((privateIPAddress, index) => ({
        name: `c${index}`,
        properties: { privateIPAddress, primary: index === 0, subnet: { id: subnet } },
      })),
    },
  });
}

class ArmTwin implements Reads {
  nics: readonly NicDocument[] = [
    nic('router', ['10.77.60.4', '10.77.60.90'], { forwarding: true }),
    nic('vm', ['10.77.60.21', '10.77.60.22']),
    nic('endpoint', ['10.77.60.30'], { machine: '' }),
    nic('elsewhere', ['10.77.61.21'], { subnet: SUBNET.replace('mobility', 'other') }),
  ];
  /** The listing of machines writes the names of resource groups in capitals. */
  states: readonly (readonly [string, string])[] = [[vmId('vm').replace('/rg/', '/RG/'), 'running']];

  async readNic(id: string): Promise<NicDocument | undefined> {
    return this.nics.find((each) => each.id.toLowerCase() === id.toLowerCase());
  }

  async listNics(): Promise<readonly NicDocument[]> {
    return this.nics;
  }

  async listPowerStates(): Promise<readonly (readonly [string, string])[]> {
    return this.states;
  }
}

async function observe(arm: ArmTwin, environment: Readonly<Record<string, string>> = {}): Promise<ObserveResult> {
  const all = { AZURE_NIC: nicId('ROUTER'), ...environment };
  const connectQueue = async (): Promise<NewsFeed> => Promise.reject(new Error('there is no queue'));
  const plugin = createAzureInventory({ environment: all, connect: () => arm, connectQueue });
  return plugin.observe(request, () => undefined);
}

describe('the Azure inventory', () => {
  test.each([
    ['running', 'release', 'observed'],
    ['starting', 'release', 'observed'],
    ['deallocating', 'release', 'observed'],
    ['deallocated', 'hold', 'observed'],
    ['deallocated', 'release', 'expired'],
    ['stopped', 'release', 'expired'],
    ['', 'release', 'observed'],
  ])('of a machine that is "%s", by the policy %s, tells every address as %s', async (state, policy, word) => {
    const arm = new ArmTwin();
    arm.states = arm.states.map(([id]) => [id, state]);
    const { events } = await observe(arm, { ROUTERD_POWER_STATE: policy });
    const type = `routerd.client.ipv4.${word}`;
    expect(events).toEqual(['10.77.60.21/32', '10.77.60.22/32'].map((subject) => ({ type, subject, pool: 'lab' })));
  });

  test('believes no listing without its own NIC, and none that fails', async () => {
    const arm = new ArmTwin();
    const own = arm.nics[0];
    arm.readNic = async () => own;
    arm.nics = arm.nics.slice(1);
    await expect(observe(arm)).rejects.toThrow('half of it is missing');
    arm.listPowerStates = async () => Promise.reject(new Error('no'));
    await expect(observe(arm)).rejects.toThrow('listing the machines of /subscriptions/0a failed');
  });

  test.each([
    ['its NIC', '', 'spec.env.AZURE_NIC is missing'],
    ['a resource id', 'router-nic', '"router-nic" is not the resource id of a NIC'],
    ['a NIC that exists', nicId('nobody'), 'Azure knows no NIC'],
  ])('needs %s, and says so', async (_, AZURE_NIC, message) => {
    await expect(observe(new ArmTwin(), { AZURE_NIC })).rejects.toThrow(message);
  });
});

describe('the Azure inventory that follows events', () => {
  const followed: ObserveRequest = { ...request, trigger: { type: 'follow', topic: '' } };
  const AZURE_QUEUE_URL = 'https://ns.servicebus.windows.net/router-a';

  test('looks when its queue has told of something, not before', async () => {
    const steps: string[] = [];
    const arm = new ArmTwin();
    const { nics } = arm;
    arm.listNics = async () => {
      steps.push('listed');
      return nics;
    };
    const batches: (readonly CloudNews[])[] = [[{ about: 'a write', isRepeated: true, receipt: 'r' }]];
    const feed: NewsFeed = {
      receive: async () => {
        steps.push('received');
        return batches.shift() ?? [];
      },
      remove: async (receipts) => void steps.push(`removed ${receipts.join()}`),
    };
    const plugin = createAzureInventory({
      environment: { AZURE_NIC: nicId('router'), AZURE_QUEUE_URL },
      connect: () => arm,
      connectQueue: async (url) => {
        steps.push(url);
        return feed;
      },
    });
    await plugin.observe(followed, () => undefined);
    expect(steps).toEqual([AZURE_QUEUE_URL, 'received', 'received', 'removed r', 'listed']);
  });

  test.each([
    ['without a queue', {}, 'spec.env.AZURE_QUEUE_URL is missing'],
    ['with a queue of somebody else', { AZURE_QUEUE_URL: 'https://example.com/q' }, 'is not the URL of a queue'],
  ])('%s says so', async (_, more, message) => {
    const connectQueue = async (): Promise<NewsFeed> => Promise.reject(new Error('there is no queue'));
    const environment = { AZURE_NIC: nicId('router'), ...more };
    const plugin = createAzureInventory({ environment, connect: () => new ArmTwin(), connectQueue });
    await expect(plugin.observe(followed, () => undefined)).rejects.toThrow(message);
  });
});

test.each([
  [
    {
      eventType: 'Microsoft.Resources.ResourceWriteSuccess',
      subject: nicId('vm'),
      data: { operationName: 'Microsoft.Network/networkInterfaces/write' },
    },
    'Microsoft.Network/networkInterfaces/write vm',
  ],
  [{ type: 'Microsoft.Resources.ResourceActionSuccess' }, 'Microsoft.Resources.ResourceActionSuccess'],
  ['not an event', 'something'],
])('the event %j is about %s', (event, about) => {
  expect(aboutEvent(event)).toBe(about);
});
