/** D11: every daemon of the control plane is killed at once, the hub with them, and comes back: nobody who talks notices, and nothing moves. */
import { startHubAgain } from '../hub.ts';
import { MoveWatch } from '../measure/move-watch.ts';
import { checkNoneLost, Traffic } from '../measure/traffic.ts';
import { signalProcess } from '../process-table.ts';
import { restartAll } from '../redeploy.ts';
import { capturesOf, captureText } from '../router-orders.ts';
import type { Scenario } from '../scenario.ts';
import { CLOUDS, FOUR_SITES, HUB, SITES } from '../topology.ts';
import { flow, OPERATOR } from './holders.ts';

export const allAtOnce: Scenario = {
  id: 'D11',
  title: 'eight daemons and the hub killed at once and started again: no packet lost, nothing moved',
  asserts: 'no probe lost, a copy intact, captures as before, no call that changes anything at a vendor',
  seconds: 10,
  topology: FOUR_SITES,
  async run(stage) {
    const { lab, evidence } = stage;
    const held = async (): Promise<string> =>
      (await Promise.all(SITES.map(async (site) => captureText(await capturesOf(lab, OPERATOR, site))))).join('; ');
    const before = await held();
    const watches = await Promise.all(CLOUDS.map(async (cloud) => MoveWatch.start(lab, cloud)));
    const traffic = await Traffic.start(lab, {
      pings: [flow('onprem', 'aws'), flow('azure', 'oci')],
      copies: [flow('oci', 'onprem')],
    });
    evidence.mark('everything is killed', Date.now());
    signalProcess(lab.daemon(HUB.name, 'nats-server'), 'SIGKILL');
    const start = Date.now();
    await Promise.all([restartAll(lab), startHubAgain(lab)]);
    evidence.mark('everybody is ready', Date.now());
    evidence.measure('from the kill to everybody ready', Date.now() - start);
    checkNoneLost(stage, await traffic.stop(stage, 'during the restart'));
    evidence.check('captures before and after', before, await held());
    for (const watch of watches) {
      evidence.check(`${watch.cloud}: mutating API calls`, '0', `${(await watch.mutatingCalls()).length}`);
      await watch.stop(stage, 'restart');
    }
  },
};
