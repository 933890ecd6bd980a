/** The observer: reads the subnet of one NIC and its machines, and tells facts. It calls nothing that changes anything. */
import {
  awaitNews,
  ExecutorError,
  subnetResult,
  type Environment,
  type NewsFeed,
  type ObserverPlugin,
  type PowerWords,
  type SubnetNic,
} from '@routerd/plugin-sdk';
import {
  addressedEntries,
  isSameId,
  reading,
  subnetOf,
  type Arm,
  type Machines,
  type NicDocument,
} from '@routerd/plugin-azure';
import { settingsOf, type InventorySettings } from './settings.ts';

/** Compute REST API, virtual machine states. A machine that is `stopped` from inside is still on its host, and as silent as a deallocated one. */
const AZURE_WORDS: PowerWords = {
  here: ['starting', 'running', 'stopping', 'deallocating'],
  stopped: ['stopped', 'deallocated'],
  // A machine that is deleted leaves its NIC to nobody, or takes it along.
  gone: [],
};

export interface ObserverOptions {
  readonly environment: Environment;
  readonly connect: () => Reads;
  readonly connectQueue: (url: string) => Promise<NewsFeed>;
}

/** What an inventory may do at Azure. */
export type Reads = Pick<Arm, 'readNic'> & Machines;

export function createAzureInventory({ environment, connect, connectQueue }: ObserverOptions): ObserverPlugin {
  const queueOf = async ({ queueUrl }: InventorySettings): Promise<NewsFeed> => {
    if (queueUrl === undefined) throw new Error('spec.env.AZURE_QUEUE_URL is missing: events are followed in a queue');
    return connectQueue(queueUrl);
  };
  return {
    async observe(request, note) {
      const settings = settingsOf(environment, request);
      const { nicId, subscription } = settings;
      if (request.trigger.type === 'follow') await awaitNews(await queueOf(settings), note);
      const arm = connect();
      const own = await reading(`reading ${nicId}`, async () => arm.readNic(nicId));
      if (own === undefined) throw new ExecutorError('not-found', `Azure knows no NIC ${nicId}`);
      const subnet = subnetOf(own);
      const listed = await reading(`listing the NICs of ${subscription}`, async () => arm.listNics(subscription));
      const states = await reading(`listing the machines of ${subscription}`, async () =>
        arm.listPowerStates(subscription),
      );
      const view = {
        subnet,
        ownNic: keyOf(own.id),
        nics: listed.map((nic) => nicIn(subnet, nic)).filter(({ addresses }) => addresses.length > 0),
        states: new Map(states.map(([id, state]) => [keyOf(id), state])),
      };
      return subnetResult(settings, AZURE_WORDS, view, note);
    },
  };
}

/** @returns it with the addresses that it has in the subnet */
function nicIn(subnet: string, nic: NicDocument): SubnetNic {
  return {
    id: keyOf(nic.id),
    addresses: addressedEntries(nic)
      .filter(({ subnetId }) => isSameId(subnetId, subnet))
      .map(({ address }) => address),
    mayForward: nic.ipForwarding,
    machineId: nic.machineId === undefined ? undefined : keyOf(nic.machineId),
  };
}

/** Ids come back in another case than they were given, and in another one from each provider. */
function keyOf(id: string): string {
  return id.toLowerCase();
}
