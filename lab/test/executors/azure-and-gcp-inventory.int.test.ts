/** The Azure and GCP inventories as processes in routers of the emulated clouds: the vendors' identities, the daemon's own runner. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { serviceBusQueueUrl } from '../../src/cloud/azure/service-bus-api.ts';
import { subscriptionOf } from '../../src/cloud/gcp/pubsub-api.ts';
import { notAllowed } from '../../src/iam-documents.ts';
import { waitUntil } from '../../src/wait-until.ts';
import { openCloudRig, type CloudRig } from '../cloud/cloud-rig.ts';
import { runObserver, said, type ObserverReport } from './observer-run.ts';

describe.each([
  {
    cloud: 'azure',
    variable: 'AZURE_NIC',
    listing: 'virtualMachines.listAll',
    refusal: /AuthorizationFailed/,
    receiving: 'messages.peekLock',
    about: 'Microsoft.Network/networkInterfaces/write',
  },
  {
    cloud: 'gcp',
    variable: 'GCP_NIC',
    listing: 'instances.aggregatedList',
    refusal: /forbidden/,
    receiving: 'subscriptions.pull',
    about: 'instances.updateNetworkInterface',
  },
] as const)('the inventory of $cloud', ({ cloud, variable, listing, refusal, receiving, about }) => {
  let rig: CloudRig;

  beforeAll(async () => {
    rig = await openCloudRig(cloud);
  });

  afterAll(async () => {
    await rig?.close();
  });

  async function observe(
    policy: 'hold' | 'release',
    trigger: 'interval' | 'follow' = 'interval',
  ): Promise<ObserverReport> {
    return runObserver(rig, {
      plugin: `${cloud}-inventory`,
      guest: `${cloud}-router-a`,
      trigger,
      env: {
        [variable]: rig.instance(`${cloud}-router-a`).nicId,
        ROUTERD_POWER_STATE: policy,
        GCP_SUBSCRIPTION: subscriptionOf(rig.config, `${cloud}-router-a`),
        AZURE_QUEUE_URL: serviceBusQueueUrl(`${cloud}-router-a`),
      },
      context: [
        {
          apiVersion: 'mobility.routerd.net/v1alpha1',
          kind: 'MobilityPool',
          name: 'lab',
          spec: { prefix: rig.config.subnet.cidr },
        },
      ],
    });
  }

  test('one that follows waits until an address is assigned, and tells it', async () => {
    const client = rig.config.instances.find(({ permissions }) => permissions === 'none')?.name ?? '';
    const first = observe('hold', 'follow');
    const waits = async (): Promise<true | undefined> =>
      (await rig.control.journal()).some(({ operation, outcome }) => operation === receiving && !outcome) || undefined;
    await waitUntil('a reader at the queue', waits, { deadlineMs: 60_000 });
    await rig.control.changeAddresses(client, { assign: ['10.77.60.121'] });
    const told = await first;
    expect(said(told).events.map(({ subject }) => subject)).toContain('10.77.60.121/32');
    expect(told.stderr).toContain(`told of ${about} ${client}`);
    const asked = (await rig.control.journal()).filter(({ service }) => service !== 'imds');
    expect(
      notAllowed(
        cloud,
        asked.map(({ operation }) => operation),
      ),
    ).toEqual([]);
    await rig.reset();
  });

  test('a stopped machine is held or released, seen again when it starts, and gone when it is terminated; a router is nobody', async () => {
    for (const router of ['a', 'b']) await rig.control.setForwarding(`${cloud}-router-${router}`, true);
    const client = rig.config.instances.find(({ permissions }) => permissions === 'none');
    const { name, privateIp } = client ?? { name: '', privateIp: '' };
    await rig.control.changeAddresses(name, { assign: ['10.77.60.120'] });
    const told = async (policy: 'hold' | 'release'): Promise<readonly string[]> =>
      said(await observe(policy)).events.map(({ type, subject, pool }) => `${type} ${subject} ${pool}`);
    const facts = (word: string): readonly string[] =>
      [privateIp, '10.77.60.120'].map((address) => `routerd.client.ipv4.${word} ${address}/32 lab`);

    await rig.control.setPower(name, 'off');
    expect(await told('hold')).toEqual(facts('observed'));
    expect(await told('release')).toEqual(facts('expired'));
    await rig.control.setPower(name, 'on');
    expect(await told('release')).toEqual(facts('observed'));
    await rig.control.terminate(name);
    expect(await told('hold')).toEqual([]);
    const api = (await rig.control.journal()).filter(({ service }) => service === 'api');
    expect(api.filter(({ mutating }) => mutating)).toEqual([]);
    const operations = api.map(({ operation }) => operation);
    expect(operations).toContain(listing);
    expect(notAllowed(cloud, operations)).toEqual([]);
  });

  test('a listing that is refused fails the run with its reason, and is no empty subnet', async () => {
    await rig.control.layFault({ operation: listing, kind: 'denied', count: 1 });
    const { outcome, exitCode } = await observe('hold');
    expect(exitCode).toBe(1);
    expect(outcome.ok ? '' : outcome.error.message).toMatch(refusal);
  });
});
