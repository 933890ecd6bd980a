/**
 * D8-three: one hub becomes three under traffic. Then the hub that leads is lost, and a router beside it: its partner takes over. Then all hubs are lost, and
 * another router: nothing moves, nothing that forwards stops, and the partner takes over as soon as two of three hubs are back.
 */
import { MoveWatch } from '../measure/move-watch.ts';
import { checkNoneLost, Traffic } from '../measure/traffic.ts';
import { powerOff, powerOn } from '../power.ts';
import { capturesOf, captureText } from '../router-orders.ts';
import type { Scenario, Stage } from '../scenario.ts';
import { growHubs, killLabHub, leaderOf, startLabHub, type LabHub } from '../three-hubs.ts';
import { FOUR_SITES } from '../topology.ts';
import { flow, OPERATOR, preferred, settled, standby } from './holders.ts';
import { amongEquals, routerNamed } from './loss.ts';

const CLOUD = 'aws';
/** Well over the two seconds after which a silence would count as death, if it counted. */
const OUTAGE_PROBES = 1000;

export const threeHubs: Scenario = {
  id: 'D8-three',
  title: 'one hub becomes three under traffic; the leader is lost, then all: a failover resumes with a majority',
  asserts:
    'nothing lost while hubs join, are lost and come back; nothing moves without a majority; failover with two of three',
  seconds: 60,
  topology: FOUR_SITES,
  isLong: true,
  runsOnce: true,
  async run(stage) {
    const hubs = await stage.progress.step('D8-three: one hub becomes three', async () => grow(stage));
    await amongEquals(stage, async () => {
      await loseLeader(stage, hubs);
      await loseAll(stage, hubs);
    });
    await settled(stage.lab, CLOUD, preferred(CLOUD));
  },
};

/** Nothing of it is news for those who talk. */
async function grow(stage: Stage): Promise<readonly LabHub[]> {
  const { lab, evidence } = stage;
  const before = await settled(lab, CLOUD, preferred(CLOUD));
  const traffic = await startTraffic(stage);
  const began = Date.now();
  evidence.mark('two hubs more', began);
  const hubs = await growHubs(lab);
  evidence.measure('from one hub to three that keep every stream', Date.now() - began);
  await traffic.answered(OUTAGE_PROBES);
  checkNoneLost(stage, await traffic.stop(stage, 'while one hub becomes three'));
  const after = await capturesOf(lab, OPERATOR, CLOUD);
  evidence.check('captures, their epochs among them, after it', captureText(before), captureText(after));
  return hubs;
}

async function loseLeader(stage: Stage, hubs: readonly LabHub[]): Promise<void> {
  const { lab, evidence } = stage;
  const before = await settled(lab, CLOUD, preferred(CLOUD));
  const traffic = await startTraffic(stage);
  const leader = await leaderOf(lab, hubs, 3);
  killLabHub(lab, leader);
  evidence.mark(`${leader.name}, which leads, is killed`, Date.now());
  const lost = routerNamed(CLOUD, preferred(CLOUD));
  const at = await powerOff(lab, lost);
  evidence.mark(`${lost.name}: power off`, at);
  const after = await settled(lab, CLOUD, standby(CLOUD));
  evidence.measure('from the loss of leader and router to everything held by the partner', Date.now() - at);
  checkTakenOver(stage, 'captures after the loss of the leader and a router', before, after);
  checkNoneLost(stage, await traffic.stop(stage, 'between the other sites, without the leader'));
  await startLabHub(lab, leader);
  await powerOn(lab, lost);
}

async function loseAll(stage: Stage, hubs: readonly LabHub[]): Promise<void> {
  const { lab, evidence } = stage;
  const before = await settled(lab, CLOUD, standby(CLOUD));
  const traffic = await startTraffic(stage);
  const watch = await MoveWatch.start(lab, CLOUD);
  for (const hub of hubs) killLabHub(lab, hub);
  evidence.mark('all hubs are killed', Date.now());
  const lost = routerNamed(CLOUD, standby(CLOUD));
  evidence.mark(`${lost.name}: power off`, await powerOff(lab, lost));
  await traffic.answered(OUTAGE_PROBES);
  evidence.check('captures without any hub', captureText(before), captureText(await capturesOf(lab, OPERATOR, CLOUD)));
  const [first, second, third] = hubs;
  if (first === undefined || second === undefined || third === undefined) throw new Error('three hubs were made');
  await startLabHub(lab, first);
  await traffic.answered(OUTAGE_PROBES * 2);
  evidence.check(
    'captures with one hub of three',
    captureText(before),
    captureText(await capturesOf(lab, OPERATOR, CLOUD)),
  );
  evidence.checkMoves('moves in the fabric meanwhile', { expected: 0, counted: watch.moves });
  await startLabHub(lab, second);
  const quorumAt = Date.now();
  evidence.mark('two hubs of three are back', quorumAt);
  const after = await settled(lab, CLOUD, preferred(CLOUD));
  evidence.measure('from the majority back to everything held by the partner', Date.now() - quorumAt);
  checkTakenOver(stage, 'captures when a majority is back', before, after);
  await watch.stop(stage, 'a majority of hubs back');
  checkNoneLost(stage, await traffic.stop(stage, 'between the other sites, all the time'));
  await startLabHub(lab, third);
  await powerOn(lab, lost);
}

async function startTraffic({ lab }: Stage): Promise<Traffic> {
  return Traffic.start(lab, {
    pings: [flow('onprem', 'azure'), flow('oci', 'azure')],
    copies: [flow('azure', 'oci')],
  });
}

type Views = Awaited<ReturnType<typeof capturesOf>>;

/** Each by the partner, each one epoch on. */
function checkTakenOver({ evidence }: Stage, name: string, before: Views, after: Views): void {
  const holder = after[0]?.holder;
  const wanted = before.map((view) => ({ ...view, holder, epoch: view.epoch + 1 }));
  evidence.check(name, captureText(wanted), captureText(after));
}
