/** The observer: reads the subnet of one interface and its machines, and tells facts. It calls nothing that changes anything. */
import {
  awaitNews,
  subnetResult,
  type Environment,
  type NewsFeed,
  type ObserverPlugin,
  type PowerWords,
} from '@routerd/plugin-sdk';
import { reading, readOwn, type Ec2, type Machines } from '@routerd/plugin-aws';
import { settingsOf, type InventorySettings } from './settings.ts';

/** EC2 API reference, InstanceState. What is `stopping` still answers. */
const EC2_WORDS: PowerWords = {
  here: ['pending', 'running', 'stopping'],
  stopped: ['stopped'],
  gone: ['shutting-down', 'terminated'],
};

export interface ObserverOptions {
  readonly environment: Environment;
  readonly connect: (region: string) => Reads;
  readonly connectQueue: (options: { readonly url: string; readonly region: string }) => Promise<NewsFeed>;
}

/** What an inventory may do at EC2. */
export type Reads = Pick<Ec2, 'readInterface' | 'listSubnet'> & Machines;

export function createAwsInventory({ environment, connect, connectQueue }: ObserverOptions): ObserverPlugin {
  const queueOf = async ({ queueUrl, region }: InventorySettings): Promise<NewsFeed> => {
    if (queueUrl === undefined) throw new Error('spec.env.AWS_QUEUE_URL is missing: events are followed in a queue');
    return connectQueue({ url: queueUrl, region });
  };
  return {
    async observe(request, note) {
      const settings = settingsOf(environment, request);
      const ec2 = connect(settings.region);
      if (request.trigger.type === 'follow') await awaitNews(await queueOf(settings), note);
      const { id: ownNic, subnetId: subnet } = await readOwn(ec2, settings.interfaceId);
      const interfaces = await reading(`listing the interfaces of ${subnet}`, async () => ec2.listSubnet(subnet));
      const states = await reading(`listing the instances of ${subnet}`, async () => ec2.listStates(subnet));
      // Off: the interface may send what is not its own.
      const nics = interfaces.map(({ id, primary, secondaries, sourceDestCheck, instanceId }) => ({
        id,
        addresses: [primary, ...secondaries],
        mayForward: !sourceDestCheck,
        machineId: instanceId,
      }));
      return subnetResult(settings, EC2_WORDS, { subnet, ownNic, nics, states }, note);
    },
  };
}
