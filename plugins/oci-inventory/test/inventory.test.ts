import { pluginResult, type ObserveRequest, type ObserveResult } from '@routerd/plugin-sdk';
import type { Machine, PrivateIp, Vnic, VnicAttachment } from '@routerd/plugin-oci';
import { describe, expect, test } from 'vitest';
import { createOciInventory, presenceByVnic, settingsOf, type Reads } from '../src/index.ts';

const PROFILE = {
  apiVersion: 'hybrid.routerd.net/v1alpha1',
  kind: 'CloudProviderProfile',
  name: 'oci-main',
  spec: { provider: 'oci', capabilities: ['vnic-secondary-ip'], region: 'eu-frankfurt-1' },
};
const DOMAIN = {
  apiVersion: 'hybrid.routerd.net/v1alpha1',
  kind: 'AddressMobilityDomain',
  name: 'office',
  spec: { prefix: '10.77.60.0/24', mode: 'selective-address' },
};
const PEER = { apiVersion: 'hybrid.routerd.net/v1alpha1', kind: 'OverlayPeer', name: 'onprem', spec: {} };

const request = (changes: Partial<ObserveRequest> = {}): ObserveRequest => ({
  trigger: { type: 'interval', topic: '' },
  startupConfigHash: 'ab',
  effectiveGeneration: 1,
  previousDynamicGeneration: 0,
  now: '2026-11-21T08:00:00.000Z',
  events: [],
  context: { resources: [PROFILE, DOMAIN, PEER] },
  ...changes,
});

const OBSERVED: ObserveRequest['events'][number] = {
  id: 'e1',
  group: 'fleet',
  sourceNode: 'onprem-a',
  type: 'routerd.client.ipv4.observed',
  subject: '10.77.60.11/32',
  dedupeKey: 'onprem-a/10.77.60.11/32',
  payload: {},
  observedAt: '2026-11-21T08:00:00.000Z',
  expiresAt: '2026-11-21T08:10:00.000Z',
};

const held = (address: string, vnicId: string, changes: Partial<PrivateIp> = {}): PrivateIp => ({
  id: `privateip-${address}`,
  address,
  vnicId,
  isPrimary: false,
  freeformTags: {},
  ...changes,
});

const SUBNET = [
  held('10.77.60.4', 'vnic-a', { isPrimary: true }),
  held('10.77.60.5', 'vnic-b', { isPrimary: true }),
  held('10.77.60.21', 'vnic-vm', { isPrimary: true }),
];

/** Counts its calls by VNIC; `vnic-b` is a router's, too. */
class SubnetTwin implements Reads {
  readonly addresses: PrivateIp[];
  readonly read: string[] = [];
  readonly forwarding: Set<string>;
  vmState = 'RUNNING';

  constructor(secondaries: readonly PrivateIp[], forwarding: readonly string[] = ['vnic-a', 'vnic-b']) {
    this.addresses = [...SUBNET, ...secondaries];
    this.forwarding = new Set(forwarding);
  }

  async readVnic(id: string): Promise<Vnic | undefined> {
    this.read.push(id);
    if (!/^vnic-(a|b|vm)$/.test(id)) return undefined;
    return {
      id,
      compartmentId: 'compartment',
      subnetId: 'subnet',
      skipSourceDestCheck: this.forwarding.has(id),
      etag: 'e',
    };
  }

  async listOfSubnet(): Promise<readonly PrivateIp[]> {
    return this.addresses;
  }

  async listMachines(compartmentId: string): Promise<readonly Machine[]> {
    this.read.push(`machines of ${compartmentId}`);
    return [{ id: 'vm', lifecycleState: this.vmState }];
  }

  async listVnicAttachments(): Promise<readonly VnicAttachment[]> {
    return [{ instanceId: 'vm', vnicId: 'vnic-vm', lifecycleState: 'ATTACHED' }];
  }
}

async function observe(
  subnet: SubnetTwin,
  environment: Readonly<Record<string, string>> = {},
  asked = request(),
): Promise<ObserveResult> {
  const inventory = createOciInventory({
    environment: { OCI_VNIC: 'vnic-a', ...environment },
    connect: () => subnet,
    connectStream: async () => Promise.reject(new Error('there is no stream')),
  });
  const status = await inventory.observe(asked, () => undefined);
  // What it says has to pass its own protocol.
  pluginResult.parse({
    apiVersion: 'plugin.routerd.net/v1alpha1',
    kind: 'PluginResult',
    metadata: { name: 'i' },
    status,
  });
  return status;
}

const claimed = ({ resources = [] }: ObserveResult): readonly unknown[] =>
  resources.map((resource) => (resource as { spec: { address: string } }).spec.address);
const planned = ({ actionPlans = [] }: ObserveResult): readonly string[] =>
  actionPlans.map(({ action, target }) => `${action} ${target['address']}`);

describe('the OCI inventory', () => {
  test("claims the secondaries of this router's VNIC, delivered to the peer", async () => {
    const result = await observe(new SubnetTwin([held('10.77.60.11', 'vnic-a'), held('192.0.2.1', 'vnic-a')]));
    expect(result).toEqual({
      ttl: '30m',
      resources: [
        {
          apiVersion: 'hybrid.routerd.net/v1alpha1',
          kind: 'RemoteAddressClaim',
          metadata: { name: 'oci-10-77-60-11' },
          spec: {
            domainRef: 'office',
            address: '10.77.60.11/32',
            ownerSide: 'onprem',
            capture: {
              type: 'provider-secondary-ip',
              providerRef: 'oci-main',
              providerMode: 'vnic-secondary-ip',
              nicRef: 'vnic-a',
            },
            delivery: { peerRef: 'onprem', mode: 'route' },
          },
        },
      ],
      actionPlans: [],
      events: [],
    });
  });

  test('claims what is wanted and nobody has, and describes how it would be assigned and taken off', async () => {
    const result = await observe(new SubnetTwin([]), { ROUTERD_ADDRESSES: '10.77.60.12/32, 10.77.60.11/32' });
    expect(claimed(result)).toEqual(['10.77.60.11/32', '10.77.60.12/32']);
    expect(result.actionPlans?.[0]).toMatchObject({
      action: 'assign-secondary-ip',
      mode: 'dry-run',
      target: { nicRef: 'vnic-a', address: '10.77.60.11/32' },
      idempotencyKey: 'oci:vnic-a:assign-secondary-ip:10.77.60.11/32',
      undo: { action: 'unassign-secondary-ip' },
    });
    expect(planned(result)).toHaveLength(2);
  });

  test('takes observed events for wishes, and expired ones not', async () => {
    const events = [
      OBSERVED,
      { ...OBSERVED, subject: '10.77.60.12/32', type: 'routerd.client.ipv4.expired' },
      { ...OBSERVED, subject: '192.0.2.9/32' },
    ];
    expect(claimed(await observe(new SubnetTwin([]), {}, request({ events })))).toEqual(['10.77.60.11/32']);
  });

  test('speaks for a subscription of the addresses of its events alone', async () => {
    const subscribed = { type: 'federation-subscription', topic: 'routerd.federation.subscription/s' } as const;
    const subnet = new SubnetTwin([held('10.77.60.11', 'vnic-a'), held('10.77.60.13', 'vnic-a')]);
    const gone = { ...OBSERVED, subject: '10.77.60.13/32', type: 'routerd.client.ipv4.expired' };
    const events = [{ ...OBSERVED, subject: '10.77.60.12/32' }, gone];
    const result = await observe(
      subnet,
      { ROUTERD_ADDRESSES: '10.77.60.14/32' },
      request({ trigger: subscribed, events }),
    );
    expect(claimed(result)).toEqual(['10.77.60.12/32', '10.77.60.13/32']);
    expect(planned(result)).toEqual(['assign-secondary-ip 10.77.60.12/32']);
  });

  test('leaves alone what another VNIC has, wanted or not', async () => {
    const subnet = new SubnetTwin([held('10.77.60.11', 'vnic-b')]);
    const result = await observe(subnet, { ROUTERD_ADDRESSES: '10.77.60.11/32,10.77.60.21/32,10.77.60.4/32' });
    expect([claimed(result), planned(result)]).toEqual([[], []]);
  });

  test('describes how forwarding would be allowed, where it is not and something needs it', async () => {
    expect(planned(await observe(new SubnetTwin([], [])))).toEqual([]);
    const result = await observe(new SubnetTwin([held('10.77.60.11', 'vnic-a')], []));
    expect(planned(result)).toEqual(['ensure-forwarding-enabled 10.77.60.11/32']);
  });

  test("tells facts only where it is asked to: machines' addresses, no router's and nothing that is captured", async () => {
    const subnet = new SubnetTwin([
      held('10.77.60.22', 'vnic-vm'),
      held('10.77.60.30', 'vnic-vm', { freeformTags: { routerdEpoch: '4' } }),
      held('10.77.60.31', 'vnic-gone'),
    ]);
    expect((await observe(subnet)).events).toEqual([]);
    expect(subnet.read).toEqual(['vnic-a']);
    const { events } = await observe(subnet, { ROUTERD_FACTS: 'true' });
    expect(events).toEqual(
      ['10.77.60.21/32', '10.77.60.22/32'].map((subject) => ({ type: 'routerd.client.ipv4.observed', subject })),
    );
  });

  test.each([
    ['RUNNING', 'hold', 'observed'],
    ['RUNNING', 'release', 'observed'],
    ['STOPPING', 'release', 'observed'],
    ['STOPPED', 'hold', 'observed'],
    ['STOPPED', 'release', 'expired'],
    ['STARTING', 'release', 'observed'],
    ['TERMINATING', 'hold', 'expired'],
    ['TERMINATED', 'release', 'expired'],
    ['FROZEN', 'release', 'observed'],
  ])('of a machine that is %s, by the policy %s, tells every address as %s', async (state, policy, said) => {
    const subnet = new SubnetTwin([held('10.77.60.22', 'vnic-vm')]);
    subnet.vmState = state;
    const { events } = await observe(subnet, { ROUTERD_FACTS: 'true', ROUTERD_POWER_STATE: policy });
    const type = `routerd.client.ipv4.${said}`;
    expect(events).toEqual(['10.77.60.21/32', '10.77.60.22/32'].map((subject) => ({ type, subject })));
  });

  test("asks for the machines of the VNIC's compartment, or of another that is named; nothing where no facts are told", async () => {
    const subnet = new SubnetTwin([]);
    await observe(subnet);
    await observe(subnet, { ROUTERD_FACTS: 'true' });
    await observe(subnet, { ROUTERD_FACTS: 'true', OCI_COMPARTMENT: 'machines' });
    const asked = subnet.read.filter((text) => text.startsWith('machines of'));
    expect(asked).toEqual(['machines of compartment', 'machines of machines']);
  });

  test("takes a listing without its own VNIC's addresses for no listing: what is not repeated would be gone", async () => {
    const subnet = new SubnetTwin([]);
    subnet.addresses.splice(0, 2);
    await expect(observe(subnet)).rejects.toThrow('OCI told half of them');
  });

  test('fails rather than to tell facts without knowing who is switched off', async () => {
    const subnet = new SubnetTwin([]);
    subnet.listMachines = async () => Promise.reject(new Error('no'));
    await expect(observe(subnet, { ROUTERD_FACTS: 'true' })).rejects.toThrow('listing the instances of compartment');
  });

  test.each([
    ['the VNIC', { environment: { OCI_VNIC: '' } }, 'spec.env.OCI_VNIC is missing'],
    ['a profile', { resources: [DOMAIN, PEER] }, 'has to name one CloudProviderProfile'],
    [
      'a profile of OCI',
      { resources: [{ ...PROFILE, spec: { provider: 'aws' } }, DOMAIN, PEER] },
      'not of the provider oci',
    ],
    ['a domain', { resources: [PROFILE, PEER] }, 'has to name one AddressMobilityDomain'],
    ['one peer', { resources: [PROFILE, DOMAIN, PEER, PEER] }, 'names several of kind OverlayPeer'],
    ['addresses as such', { environment: { ROUTERD_ADDRESSES: '10.77.60.11' } }, 'is not written as'],
    ['a policy that exists', { environment: { ROUTERD_POWER_STATE: 'off' } }, 'is neither hold nor release'],
    ['a VNIC that can be seen', { environment: { OCI_VNIC: 'vnic-x' } }, 'OCI shows no VNIC vnic-x'],
  ])(
    'needs %s, and says so',
    async (
      _,
      {
        environment = {},
        resources,
      }: { environment?: Record<string, string>; resources?: ObserveRequest['context']['resources'] },
      message,
    ) => {
      const asked = resources === undefined ? request() : request({ context: { resources } });
      await expect(observe(new SubnetTwin([]), environment, asked)).rejects.toThrow(message);
    },
  );

  test('takes the region from its environment, else from the profile', () => {
    expect(settingsOf({ OCI_VNIC: 'v' }, request()).region).toBe('eu-frankfurt-1');
    expect(settingsOf({ OCI_VNIC: 'v', OCI_REGION: 'eu-zurich-1' }, request()).region).toBe('eu-zurich-1');
  });
});

describe('the OCI inventory of a pool', () => {
  const POOL = {
    apiVersion: 'mobility.routerd.net/v1alpha1',
    kind: 'MobilityPool',
    name: 'lab',
    spec: { prefix: '10.77.60.0/24' },
  };
  const ofPool = (changes: Partial<ObserveRequest> = {}): ObserveRequest =>
    request({ context: { resources: [POOL] }, ...changes });
  const OCI_STREAM = 'ocid1.stream.oc1.eu-frankfurt-1.abc';
  const OCI_STREAM_ENDPOINT = 'https://cell-1.streaming.eu-frankfurt-1.oci.oraclecloud.com';

  test("tells the facts of machines for the pool alone: no claims, nothing of a router's, nothing that is captured", async () => {
    const subnet = new SubnetTwin([
      held('10.77.60.11', 'vnic-a'),
      held('10.77.60.22', 'vnic-vm'),
      held('192.0.2.1', 'vnic-vm'),
      held('10.77.60.30', 'vnic-vm', { freeformTags: { routerdEpoch: '4' } }),
      held('10.77.60.31', 'vnic-gone'),
    ]);
    const fact = (type: string) => (subject: string) => ({
      type: `routerd.client.ipv4.${type}`,
      subject,
      pool: 'lab',
      ttl: '30m',
    });
    const addresses = ['10.77.60.21/32', '10.77.60.22/32'];
    const environment = { ROUTERD_FACT_TTL: '30m', ROUTERD_POWER_STATE: 'release' };
    expect(await observe(subnet, environment, ofPool())).toEqual({
      ttl: '30m',
      events: addresses.map(fact('observed')),
    });
    subnet.vmState = 'STOPPED';
    const { events } = await observe(subnet, environment, ofPool());
    expect(events).toEqual(addresses.map(fact('expired')));
  });

  test('looks when its stream has told of something, not before', async () => {
    const steps: string[] = [];
    const subnet = new SubnetTwin([]);
    const plugin = createOciInventory({
      environment: { OCI_VNIC: 'vnic-a', OCI_STREAM, OCI_STREAM_ENDPOINT },
      connect: () => {
        steps.push('connected');
        return subnet;
      },
      connectStream: async (stream) => {
        steps.push(stream.reader);
        const batches = [[{ about: 'stop', isRepeated: false, receipt: '' }]];
        return {
          receive: async () => {
            steps.push('received');
            return batches.shift() ?? [];
          },
          remove: async () => undefined,
        };
      },
    });
    await plugin.observe(ofPool({ trigger: { type: 'follow', topic: '' } }), () => undefined);
    expect(steps).toEqual(['routerd-vnic-a', 'received', 'received', 'connected']);
  });

  test.each([
    ['without a stream', {}, 'spec.env.OCI_STREAM is missing'],
    ['with a name for an OCID', { OCI_STREAM: 'news' }, '"news" is not the OCID of a stream'],
    ['without an endpoint', { OCI_STREAM }, 'spec.env.OCI_STREAM_ENDPOINT is missing'],
    ['with a path in it', { OCI_STREAM, OCI_STREAM_ENDPOINT: 'https://x/y' }, '"https://x/y" is not written as'],
  ])('%s says so', async (_, environment, message) => {
    const asked = ofPool({ trigger: { type: 'follow', topic: '' } });
    await expect(observe(new SubnetTwin([]), environment, asked)).rejects.toThrow(message);
  });
});

describe('whether a machine is here', () => {
  const attached = (vnicId: string, lifecycleState: string, instanceId = 'vm'): VnicAttachment => ({
    vnicId,
    instanceId,
    lifecycleState,
  });

  test.each([
    ['attached', [attached('v', 'ATTACHED')], 'here'],
    ['attached again after it was detached', [attached('v', 'ATTACHED'), attached('v', 'DETACHED', 'old')], 'here'],
    ['being detached', [attached('v', 'DETACHING')], 'here'],
    ['detached', [attached('v', 'DETACHED')], 'gone'],
    ['attached to a machine that is not listed', [attached('v', 'ATTACHED', 'elsewhere')], 'unknown'],
    ["another machine's", [attached('w', 'ATTACHED')], 'unknown'],
  ])('of a VNIC that is %s', (_, attachments, expected) => {
    const machines = [{ id: 'vm', lifecycleState: 'RUNNING' }];
    expect(presenceByVnic(['v'], { machines, attachments }, 'release')).toEqual(new Map([['v', expected]]));
  });
});
