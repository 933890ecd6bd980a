/** D7: a holder stands still, is taken for dead and succeeded, and goes on: nothing that it does gets through. */
import type { Lab } from '../lab.ts';
import { cloudControl, MoveWatch, nicOf } from '../measure/move-watch.ts';
import { measureStages } from '../measure/stages.ts';
import { checkNoneLost, Traffic } from '../measure/traffic.ts';
import { processesInside } from '../power.ts';
import { commandOf, signalProcess } from '../process-table.ts';
import { captureText } from '../router-orders.ts';
import type { Scenario, Stage } from '../scenario.ts';
import { plantStaleAction } from '../stale-action.ts';
import { FOUR_SITES } from '../topology.ts';
import { preferred, settled, standby, trafficOf } from './holders.ts';
import { amongEquals } from './loss.ts';

const CLOUD = 'aws';

export const zombie: Scenario = {
  id: 'D7',
  title: 'a holder is stopped (SIGSTOP), succeeded, and goes on (SIGCONT): it changes nothing',
  asserts:
    'no probe lost; the one that goes on asks the vendor for nothing, and its own late action is skipped: stale mobility capture epoch',
  seconds: 20,
  topology: FOUR_SITES,
  async run(stage) {
    await amongEquals(stage, async () => standsStillAndGoesOn(stage));
    await settled(stage.lab, CLOUD, preferred(CLOUD));
  },
};

/** The daemon and its plugins; the kernel's part (WireGuard included) goes on, as it does on a machine whose daemon hangs. */
function signalDaemons(lab: Lab, router: string, signal: 'SIGSTOP' | 'SIGCONT'): void {
  const all = processesInside(lab.vm(router)).filter(({ pid }) => commandOf(pid) !== 'wireguard-go');
  for (const each of all.filter(({ pid }) => !['sh', 'sleep'].includes(commandOf(pid)))) signalProcess(each, signal);
}

async function standsStillAndGoesOn(stage: Stage): Promise<void> {
  const { lab, evidence } = stage;
  const stopped = preferred(CLOUD);
  const successor = standby(CLOUD);
  const before = await settled(lab, CLOUD, stopped);
  const watch = await MoveWatch.start(lab, CLOUD);
  const traffic = await Traffic.start(lab, trafficOf([CLOUD]));
  signalDaemons(lab, stopped, 'SIGSTOP');
  const zero = Date.now();
  evidence.mark(`${stopped}: SIGSTOP`, zero);
  const expected = captureText(before.map((view) => ({ ...view, holder: successor, epoch: view.epoch + 1 })));
  const after = await settled(lab, CLOUD, successor);
  evidence.check('captures while it stands still', expected, captureText(after));
  const control = cloudControl(lab, CLOUD);
  const since = (await control.journal()).at(-1)?.sequence ?? 0;
  signalDaemons(lab, stopped, 'SIGCONT');
  evidence.mark(`${stopped}: SIGCONT`, Date.now());
  const seen = await settled(lab, CLOUD, successor, { via: stopped });
  evidence.check('captures as it sees them when it goes on', expected, captureText(seen));
  const [first] = before;
  if (first === undefined) throw new Error(`${stopped} held nothing`);
  const { address, epoch } = first;
  const planted = await plantStaleAction(lab, { router: stopped, holder: stopped, address, epoch });
  const outcome = `${planted.status}: ${planted.message}`.slice(0, 37);
  evidence.check('an action of its own tenure that it still had', 'skipped: stale mobility capture epoch', outcome);
  const flows = await traffic.stop(stage, 'around the stand-still');
  checkNoneLost(stage, flows);
  const held = before.map((view) => view.address);
  const providerDoneAt = watch.capturedAt(successor, held);
  const calledAt = await watch.calledAt();
  const name = `${CLOUD} stopped`;
  measureStages(stage, { name, from: stopped, to: successor, zero, calledAt, providerDoneAt, flows });
  const own = (await control.journal(since)).filter(({ mutating, principal }) => mutating && principal === stopped);
  const assigning = own.filter(({ operation }) => /assign/i.test(operation));
  evidence.check(
    'addresses it asked the vendor for or gave away',
    'none',
    assigning.map((each) => each.operation).join(' ') || 'none',
  );
  const { addresses } = nicOf(await control.state(), successor);
  const wanted = held.join(' ');
  evidence.check(`addresses on the NIC of ${successor}`, wanted, addresses.join(' '));
  evidence.checkMoves('moves in the fabric', { expected: before.length, counted: watch.moves });
  await watch.stop(stage, 'stand-still');
}
