/** D6: every router that captures is lost in turn without a word, under traffic; its partner takes over. It comes back to equals, and takes nothing from them. */
import type { Lab } from '../lab.ts';
import { cloudControl, MoveWatch, nicOf } from '../measure/move-watch.ts';
import { checkGaps, checkNoneLost, Traffic } from '../measure/traffic.ts';
import { measureStages } from '../measure/stages.ts';
import { powerOff, powerOn } from '../power.ts';
import { changedConfig, equalAndImpatient, readConfigs, redeploy, thenBack } from '../redeploy.ts';
import { capturesOf, captureText, routerctl, tenuresSince, type CaptureView } from '../router-orders.ts';
import type { Scenario, Stage } from '../scenario.ts';
import { CLOUDS, FOUR_SITES, isCloud, routersAt, type Router, type Site } from '../topology.ts';
import { OPERATOR, preferred, settled, standby, trafficOf } from './holders.ts';

/** What an abrupt loss may cost, besides the provider's calls: two seconds until a silence counts as death, and one for everything else. */
const GAP_LIMIT_MS = 3000;
const SITES_IN_TURN: readonly Site[] = ['onprem', ...CLOUDS];

export const loss: Scenario = {
  id: 'D6',
  title:
    'each capturing router loses its power under traffic: its partner takes over, and keeps; taken back by preference',
  asserts:
    'each capture moves once, under the next epoch; no gap of 3 s plus API time; the router that returns takes nothing from an equal, and nothing is lost',
  seconds: 45,
  topology: FOUR_SITES,
  async run(stage) {
    await amongEquals(stage, async () => {
      for (const site of SITES_IN_TURN) {
        await stage.progress.step(`D6: ${preferred(site)} lost and back`, async () => loseOne(stage, site));
      }
    });
    for (const site of SITES_IN_TURN) await settled(stage.lab, site, preferred(site));
    stage.evidence.check('with priorities again, the preferred routers take back', 'all four', 'all four');
  },
};

/** While `work` runs nobody is preferred and two seconds of silence are death; afterwards the configuration is what it was. */
export async function amongEquals(stage: Stage, work: () => Promise<void>): Promise<void> {
  const { lab, progress } = stage;
  const before = readConfigs(lab);
  const changed = new Map([...before].map(([name, text]) => [name, changedConfig(text, equalAndImpatient)] as const));
  await progress.step('configuration: equal priorities, dead after 2 s', async () => redeploy(lab, changed));
  const prepared = async (): Promise<void> => {
    await givePreferred(stage);
    await work();
  };
  await thenBack(lab, prepared, async () =>
    progress.step('configuration as before', async () => redeploy(lab, before)),
  );
}

/**
 * Where two seconds of silence are death, who starts a little later than its partner is succeeded before it is heard, and an equal takes nothing
 * back: an order brings the captures to where `work` expects them.
 */
async function givePreferred({ lab, progress }: Stage): Promise<void> {
  for (const site of SITES_IN_TURN) {
    if (lab.topology.federated.filter((router) => router.site === site).length !== 2) continue;
    const held = await capturesOf(lab, OPERATOR, site);
    if (held.every(({ holder }) => holder === preferred(site))) continue;
    await progress.step(`captures handed to ${preferred(site)}`, async () => {
      await ordered(lab, 'drain', standby(site), '--wait');
      await ordered(lab, 'undrain', standby(site));
      await settled(lab, site, preferred(site));
    });
  }
}

async function ordered(lab: Lab, ...words: readonly string[]): Promise<void> {
  const said = await routerctl(lab, OPERATOR, ...words);
  if (!said.ok) throw new Error(`routerctl ${words.join(' ')}: ${said.text}`);
}

export function routerNamed(site: Site, name: string): Router {
  const router = routersAt(site).find((each) => each.name === name);
  if (router === undefined) throw new Error(`no router ${name} at ${site}`);
  return router;
}

async function loseOne(stage: Stage, site: Site): Promise<void> {
  const { lab, evidence } = stage;
  const lost = routerNamed(site, preferred(site));
  const before = await settled(lab, site, lost.name);
  const watch = isCloud(site) ? await MoveWatch.start(lab, site) : undefined;
  const traffic = await Traffic.start(lab, trafficOf([site]));
  const at = await powerOff(lab, lost);
  evidence.mark(`${lost.name}: power off`, at);
  const after = await settled(lab, site, standby(site));
  const addresses = before.map(({ address }) => address);
  evidence.check(
    `${site} lost: captures in the registry`,
    captureText(before.map((view) => ({ ...view, holder: standby(site), epoch: view.epoch + 1 }))),
    captureText(after),
  );
  evidence.checkMoves(`${site} lost: moves in the registry`, {
    expected: before.length,
    counted: tenuresSince(before, after),
  });
  const flows = await traffic.stop(stage, `with ${lost.name} lost`);
  const [calledAt, providerDoneAt] = [await watch?.calledAt(), watch?.capturedAt(standby(site), addresses)];
  const moved = { name: `${site} lost`, from: lost.name, to: standby(site), zero: at, flows };
  measureStages(stage, { ...moved, calledAt, providerDoneAt });
  // What the provider took, from the first call to the last address that follows: it is nobody's fault here.
  const apiMs = (providerDoneAt ?? at) - (calledAt ?? at);
  checkGaps(stage, flows, GAP_LIMIT_MS + Math.max(0, apiMs));
  if (watch !== undefined) {
    evidence.measure(`${site} lost: API time`, apiMs);
    evidence.mark(`${site}: the last remote kernel delivers through ${standby(site)}`, watch.deliveryMovedAt);
    evidence.mark(`${site}: the fabric carries everything to ${standby(site)}`, providerDoneAt);
    const deliveredAt = watch.deliveryMovedAt;
    evidence.measure(
      `${site} lost: delivery elsewhere after`,
      deliveredAt === undefined ? undefined : deliveredAt - at,
    );
    evidence.checkMoves(`${site} lost: moves in the fabric`, { expected: addresses.length, counted: watch.moves });
    await watch.checkCalls(stage, 'lost', addresses.length);
    await watch.stop(stage, 'lost');
  }
  await comeBack(stage, site, lost, after);
}

/** Its partner is as good as it is: nothing moves, and nobody's packet is lost. */
async function comeBack(stage: Stage, site: Site, router: Router, held: readonly CaptureView[]): Promise<void> {
  const { lab, evidence } = stage;
  const traffic = await Traffic.start(lab, trafficOf([site]));
  await powerOn(lab, router);
  evidence.mark(`${router.name}: ready again`, Date.now());
  // It has read the registry when it names the holder itself; what it would take it would want by then.
  const seen = await settled(lab, site, standby(site), { via: router.name });
  evidence.check(`${site} back: captures as ${router.name} sees them`, captureText(held), captureText(seen));
  const flows = await traffic.stop(stage, `with ${router.name} back`);
  checkNoneLost(stage, flows);
  await stillHeld(lab, evidence, site, held);
}

async function stillHeld(
  lab: Lab,
  evidence: Stage['evidence'],
  site: Site,
  held: readonly CaptureView[],
): Promise<void> {
  const now = await capturesOf(lab, OPERATOR, site);
  evidence.check(`${site} back: no pre-emption among equals`, captureText(held), captureText(now));
  if (!isCloud(site)) return;
  const state = await cloudControl(lab, site).state();
  const left = nicOf(state, preferred(site)).addresses;
  evidence.check(`${site} back: addresses on the NIC of ${preferred(site)}`, 'none', left.join(' ') || 'none');
}
