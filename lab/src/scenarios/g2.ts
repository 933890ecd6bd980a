/** G2: all five sites at once. Twenty directed flows, and each cloud's first router is drained and taken back under traffic, one after the other. */
import { directedFlows } from '../client-flows.ts';
import { FIVE_SITES } from '../gcp-site.ts';
import { cloudControl, nicOf } from '../measure/move-watch.ts';
import type { Scenario, Stage } from '../scenario.ts';
import { CLOUDS, EMULATED_CLOUDS, type EmulatedCloud } from '../topology.ts';
import { seenWithin } from '../wait-until.ts';
import { drainsAndTakesBack } from './drain.ts';
import { nothingTranslates, pingAll, sshAll } from './flow-checks.ts';
import { drainsAtGcp } from './g1.ts';
import { preferred, settled } from './holders.ts';

/** The slowest vendor's operations, one after the other on each NIC. */
const CAPTURE_DEADLINE_MS = 30_000;

export const g2: Scenario = {
  id: 'G2',
  title:
    'five sites at once: twenty directed flows, and the first router of each of four clouds drained and taken back',
  asserts:
    "each cloud captures the other four sites' machines on one router; twenty flows ping and log in by SSH, sources kept; D5 at each cloud",
  seconds: 60,
  topology: FIVE_SITES,
  isLong: true,
  async run(stage) {
    const { lab } = stage;
    for (const cloud of EMULATED_CLOUDS) await capturesTheOthers(stage, cloud);
    const flows = directedFlows(lab.topology.clients);
    await pingAll(stage, flows);
    await sshAll(stage, flows);
    for (const cloud of CLOUDS) await drainsAndTakesBack(stage, [cloud]);
    await drainsAtGcp(stage);
    await pingAll(stage, flows);
    await nothingTranslates(stage, lab.topology.routers);
  },
};

async function capturesTheOthers({ lab, evidence }: Stage, cloud: EmulatedCloud): Promise<void> {
  const others = lab.topology.clients.filter(({ site }) => site !== cloud).map(({ address }) => address);
  const wanted = others.toSorted().join(' ');
  const seen = async (): Promise<string> => {
    const { addresses } = nicOf(await cloudControl(lab, cloud).state(), preferred(cloud));
    return addresses
      .filter((address) => others.includes(address))
      .toSorted()
      .join(' ');
  };
  const isThere = async (): Promise<true | undefined> => (await seen()) === wanted || undefined;
  await seenWithin(CAPTURE_DEADLINE_MS, isThere);
  evidence.check(`machines of the other sites on the NIC of ${preferred(cloud)}`, wanted, await seen());
  await settled(lab, cloud, preferred(cloud));
}
