/** D5-50: fifty captured addresses are drained at once, at one cloud after the other. */
import { FULL_NICS } from '../full-nics.ts';
import { bearAddresses } from '../many-addresses.ts';
import { cloudControl } from '../measure/move-watch.ts';
import type { Scenario, Stage } from '../scenario.ts';
import { clientAt, CLOUDS, type Cloud } from '../topology.ts';
import { drainsAndTakesBack } from './drain.ts';
import { preferred, settled } from './holders.ts';
import { emit } from './moving-machine.ts';

/** Three clients of other sites and these on the LAN make 49 at AWS; one that lives at AWS makes fifty elsewhere. */
const ON_LAN = Array.from({ length: 46 }, (_, index) => `10.77.60.${100 + index}`);
const AT_AWS = '10.77.60.199';
const COUNTS: Readonly<Record<Cloud, number>> = { aws: 49, azure: 50, oci: 50 };

export const fullDrain: Scenario = {
  id: 'D5-50',
  title:
    'fifty captured addresses (49 at AWS, whose NICs take no more) drained at each cloud, under traffic, and taken back',
  asserts: 'as D5, with 49 addresses at AWS and 50 at Azure and OCI; each whole drain under 5 s plus API time',
  seconds: 60,
  topology: FULL_NICS,
  isLong: true,
  async run(stage) {
    const { lab, evidence, progress } = stage;
    await progress.step('D5-50: fifty addresses captured at each cloud', async () => fillNics(stage));
    for (const cloud of CLOUDS) {
      const views = await settled(lab, cloud, preferred(cloud), { count: COUNTS[cloud] });
      evidence.check(`${cloud}: addresses that are drained`, `${COUNTS[cloud]}`, `${views.length}`);
      await progress.step(`D5-50: ${preferred(cloud)} drained and taken back`, async () =>
        drainsAndTakesBack(stage, [cloud]),
      );
    }
  },
};

async function fillNics({ lab }: Stage): Promise<void> {
  const { name, nic } = clientAt('aws');
  await cloudControl(lab, 'aws').changeAddresses(name, { assign: [AT_AWS] });
  await lab.vm(name).ip([`addr add ${AT_AWS}/32 dev ${nic}`]);
  await emit(lab, 'observed', AT_AWS);
  await bearAddresses(lab, ON_LAN);
  await Promise.all(CLOUDS.map(async (cloud) => settled(lab, cloud, preferred(cloud), { count: COUNTS[cloud] })));
}
