/** The observer: reads the subnetwork of one NIC and its machines, and tells facts. It calls nothing that changes anything. */
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
import { nicNameText, reading, type Compute, type InstanceDocument } from '@routerd/plugin-gcp';
import { settingsOf, type InventorySettings } from './settings.ts';

/** Compute Engine, instance life cycle: `TERMINATED` is GCP's word for a machine that is stopped and keeps its addresses. */
const GCP_WORDS: PowerWords = {
  here: ['PENDING', 'PROVISIONING', 'STAGING', 'RUNNING', 'PENDING_STOP', 'STOPPING', 'SUSPENDING', 'REPAIRING'],
  stopped: ['TERMINATED', 'STOPPED', 'SUSPENDED'],
  // Of one that is deleted the list says nothing any more.
  gone: ['DEPROVISIONING'],
};

export interface ObserverOptions {
  readonly environment: Environment;
  readonly connect: () => Reads;
  readonly connectQueue: (subscription: string) => Promise<NewsFeed>;
}

/** What an inventory may do at Compute Engine. */
export type Reads = Pick<Compute, 'readInstance' | 'listInstances'>;

export function createGcpInventory({ environment, connect, connectQueue }: ObserverOptions): ObserverPlugin {
  const queueOf = async ({ subscription }: InventorySettings): Promise<NewsFeed> => {
    if (subscription === undefined)
      throw new Error('spec.env.GCP_SUBSCRIPTION is missing: events are followed in a subscription');
    return connectQueue(subscription);
  };
  return {
    async observe(request, note) {
      const settings = settingsOf(environment, request);
      const { project, instance } = settings.nic;
      const ownNic = nicNameText(settings.nic);
      if (request.trigger.type === 'follow') await awaitNews(await queueOf(settings), note);
      const compute = connect();
      const router = await reading(`reading ${instance}`, async () => compute.readInstance(instance));
      const own = router?.nics.find(({ id }) => id === ownNic);
      if (own === undefined) throw new ExecutorError('not-found', `Compute Engine knows no NIC ${ownNic}`);
      const instances = await reading(`listing the instances of ${project}`, async () =>
        compute.listInstances(project),
      );
      const view = {
        subnet: own.subnetwork,
        ownNic,
        nics: instances.flatMap((each) => nicsIn(own.subnetwork, each)),
        states: new Map(instances.flatMap(({ name, status }) => (status === '' ? [] : [[name, status] as const]))),
      };
      return subnetResult(settings, GCP_WORDS, view, note);
    },
  };
}

/** A range of several addresses is what a machine gives to containers: none of them is told of. */
function nicsIn(subnetwork: string, { name, nics }: InstanceDocument): readonly SubnetNic[] {
  return nics
    .filter((nic) => nic.subnetwork === subnetwork)
    .map(({ id, primary, aliases, canIpForward }) => ({
      id,
      addresses: [primary, ...aliases.flatMap(({ cidr }) => (cidr.endsWith('/32') ? [cidr.slice(0, -3)] : []))],
      mayForward: canIpForward,
      machineId: name,
    }));
}
