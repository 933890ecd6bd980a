/** The observer: reads the subnet of one interface and its machines, and tells facts. It calls nothing that changes anything. */
import { ExecutorError, type ObserverPlugin } from '@routerd/plugin-sdk';
import { reading, readOwn, type Ec2, type Machines } from '@routerd/plugin-aws';
import { settingsOf } from './settings.ts';
import { takeInventory } from './take-inventory.ts';

/** Of the result; it has facts alone, which count for the time of their pool. */
const TTL = '30m';

export interface ObserverOptions {
  readonly environment: Readonly<Partial<Record<string, string>>>;
  readonly connect: (region: string) => Reads;
}

/** What an inventory may do at EC2. */
export type Reads = Pick<Ec2, 'readInterface' | 'listSubnet'> & Machines;

export function createAwsInventory({ environment, connect }: ObserverOptions): ObserverPlugin {
  return {
    async observe(request, note) {
      const settings = settingsOf(environment, request);
      const ec2 = connect(settings.region);
      const own = await readOwn(ec2, settings.interfaceId);
      const interfaces = await reading(`listing the interfaces of ${own.subnetId}`, async () =>
        ec2.listSubnet(own.subnetId),
      );
      // What is not repeated is gone: half a listing would take addresses away.
      if (!interfaces.some(({ id }) => id === own.id))
        throw new ExecutorError(
          'transport',
          `the listing of ${own.subnetId} does not include ${own.id}: half of it is missing`,
        );
      const states = await reading(`listing the instances of ${own.subnetId}`, async () =>
        ec2.listStates(own.subnetId),
      );
      const { facts, unknown } = takeInventory(settings, { interfaces, states });
      if (unknown > 0) note(`of ${unknown} interfaces EC2 tells no state of the machine; they are told as here`);
      note(`${interfaces.length} interfaces in ${own.subnetId}, ${facts.length} addresses told`);
      return { ttl: TTL, events: facts };
    },
  };
}
