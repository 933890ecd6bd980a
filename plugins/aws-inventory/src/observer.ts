/** The observer: reads the subnet of one interface and its machines, and tells facts. It calls nothing that changes anything. */
import { subnetResult, type Environment, type ObserverPlugin, type PowerWords } from '@routerd/plugin-sdk';
import { reading, readOwn, type Ec2, type Machines } from '@routerd/plugin-aws';
import { settingsOf } from './settings.ts';

/** EC2 API reference, InstanceState. What is `stopping` still answers. */
const EC2_WORDS: PowerWords = {
  here: ['pending', 'running', 'stopping'],
  stopped: ['stopped'],
  gone: ['shutting-down', 'terminated'],
};

export interface ObserverOptions {
  readonly environment: Environment;
  readonly connect: (region: string) => Reads;
}

/** What an inventory may do at EC2. */
export type Reads = Pick<Ec2, 'readInterface' | 'listSubnet'> & Machines;

export function createAwsInventory({ environment, connect }: ObserverOptions): ObserverPlugin {
  return {
    async observe(request, note) {
      const settings = settingsOf(environment, request);
      const ec2 = connect(settings.region);
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
