/** D8: the hub is lost: traffic does not notice; a router that is lost meanwhile is succeeded when there is a hub again, and not before. */
import { startHubAgain } from '../hub.ts';
import { MoveWatch } from '../measure/move-watch.ts';
import { checkNoneLost, Traffic } from '../measure/traffic.ts';
import { powerOff, powerOn } from '../power.ts';
import { signalProcess } from '../process-table.ts';
import { capturesOf, captureText } from '../router-orders.ts';
import type { Scenario, Stage } from '../scenario.ts';
import { FOUR_SITES, HUB } from '../topology.ts';
import { seenWithin } from '../wait-until.ts';
import { flow, OPERATOR, preferred, settled, standby, trafficOf } from './holders.ts';
import { amongEquals, routerNamed } from './loss.ts';

const CLOUD = 'aws';
/** Well over the two seconds after which a silence would count as death, if it counted. */
const OUTAGE_PROBES = 1000;

export const hubLost: Scenario = {
  id: 'D8',
  title: 'the hub is lost: traffic goes on; a failover waits for its return',
  asserts:
    'no probe lost without a hub and nothing moves; a router lost meanwhile is succeeded after the hub is back, each capture once',
  seconds: 26,
  topology: FOUR_SITES,
  async run(stage) {
    await amongEquals(stage, async () => loseHub(stage));
    await settled(stage.lab, CLOUD, preferred(CLOUD));
  },
};

async function loseHub(stage: Stage): Promise<void> {
  const { lab, evidence } = stage;
  const before = await settled(lab, CLOUD, preferred(CLOUD));
  const elsewhere = await Traffic.start(lab, {
    pings: [flow('onprem', 'azure'), flow('oci', 'azure')],
    copies: [flow('azure', 'oci')],
  });
  const through = await Traffic.start(lab, { pings: trafficOf([CLOUD]).pings, copies: [] });
  signalProcess(lab.daemon(HUB.name, 'nats-server'), 'SIGKILL');
  evidence.mark('the hub is killed', Date.now());
  await through.answered(OUTAGE_PROBES);
  checkNoneLost(stage, await through.stop(stage, 'without a hub'));
  const watch = await MoveWatch.start(lab, CLOUD);
  const lost = routerNamed(CLOUD, preferred(CLOUD));
  evidence.mark(`${lost.name}: power off`, await powerOff(lab, lost));
  await elsewhere.answered(OUTAGE_PROBES * 2);
  const meanwhile = await capturesOf(lab, OPERATOR, CLOUD);
  evidence.check('captures while there is no hub', captureText(before), captureText(meanwhile));
  evidence.checkMoves('moves in the fabric while there is no hub', { expected: 0, counted: watch.moves });
  await startHubAgain(lab);
  const backAt = Date.now();
  evidence.mark('the hub is back', backAt);
  const after = await settled(lab, CLOUD, standby(CLOUD));
  evidence.measure('from the hub back to everything held by the partner', Date.now() - backAt);
  evidence.check(
    'captures when there is a hub again',
    captureText(before.map((view) => ({ ...view, holder: standby(CLOUD), epoch: view.epoch + 1 }))),
    captureText(after),
  );
  const addresses = before.map(({ address }) => address);
  const moved = await seenWithin(10_000, () => watch.capturedAt(standby(CLOUD), addresses));
  evidence.measure('from the hub back to the fabric moved', moved === undefined ? undefined : moved - backAt);
  evidence.checkMoves('moves in the fabric with a hub again', { expected: addresses.length, counted: watch.moves });
  await watch.stop(stage, 'hub back');
  checkNoneLost(stage, await elsewhere.stop(stage, 'between the other sites, all the time'));
  await powerOn(lab, lost);
}
