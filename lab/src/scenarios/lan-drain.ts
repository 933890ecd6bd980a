/** D5-onprem: the VRRP master of the LAN is drained for maintenance, switched off, started again and taken back, while everybody talks. */
import type { Lab } from '../lab.ts';
import { macOf } from '../mac-address.ts';
import { checkNoneLost, Traffic } from '../measure/traffic.ts';
import { shutDown } from '../power.ts';
import { captureText, capturesOf, livenessOf, routerctl, tenuresSince } from '../router-orders.ts';
import type { Scenario, Stage } from '../scenario.ts';
import { FOUR_SITES, type Router } from '../topology.ts';
import { VIRTUAL_ADDRESS } from '../vrrp-config.ts';
import { waitUntil } from '../wait-until.ts';
import { loadOf, OPERATOR, settled } from './holders.ts';
import { boot, elected, follow, LAN_SITE, underVrrp, type LanPair } from './lan-moves.ts';

/** Two seconds of probes: an election takes 1.2 s at most. */
const ANSWERS_AFTER = 400;
/** Tens of milliseconds on a machine that is not overloaded. */
const OVERLAP_LIMIT_MS = 1000;
const LIVENESS_DEADLINE_MS = 60_000;

export const lanDrain: Scenario = {
  id: 'D5-onprem',
  title:
    'the VRRP master of the LAN drained under probes, SSH sessions and copies, switched off, started again, and taken back',
  asserts:
    'the partner is master and captures everything when drain --wait answers, and the router is switched off at once; whoever was succeeded answers ARP no more; each capture moves once each way, none while the ' +
    'drained router ends and returns; no probe lost; copies and SSH sessions whole',
  seconds: 30,
  topology: FOUR_SITES,
  isLong: true,
  async run(stage) {
    await underVrrp(stage, async () => {
      const pair = await elected(stage);
      try {
        await maintain(stage, pair);
        judgeOverlap(stage, pair);
      } finally {
        pair.arp.stop(stage);
      }
    });
  },
};

async function maintain(stage: Stage, pair: LanPair): Promise<void> {
  const { lab, evidence, progress } = stage;
  const { master, partner } = pair;
  const way = { traffic: loadOf([LAN_SITE]), isHandOver: true };
  await progress.step(`D5-onprem: ${master.name} is drained, and switched off`, async () =>
    follow(stage, pair, {
      ...way,
      name: 'drained',
      from: master,
      to: partner,
      begin: async (traffic) => {
        const at = await drain(stage, pair);
        await shutDown(lab, master);
        evidence.mark(`${master.name}: switched off`, Date.now());
        await goesOn(lab, traffic, { of: pair, liveness: 'dead' });
        return at;
      },
    }),
  );
  await progress.step(`D5-onprem: ${master.name} is started again, still drained`, async () => startAgain(stage, pair));
  await progress.step(`D5-onprem: the drain of ${master.name} ends`, async () =>
    follow(stage, pair, {
      ...way,
      name: 'taken back',
      from: partner,
      to: master,
      begin: async () => undrain(stage, pair),
    }),
  );
  await judgeMaster(stage, { is: master, isNot: partner, when: 'taken back' });
}

/** What the answer promises has to be true as soon as it is read. @returns when it was ordered, by the wall clock in milliseconds */
async function drain(stage: Stage, { master, partner }: LanPair): Promise<number> {
  const { lab, evidence } = stage;
  const at = Date.now();
  const said = await routerctl(lab, OPERATOR, 'drain', master.name, '--wait', '--reason', 'kernel update');
  const answered = Date.now();
  const [views] = await Promise.all([
    capturesOf(lab, OPERATOR, LAN_SITE),
    judgeMaster(stage, { is: partner, isNot: master, when: 'drained' }),
  ]);
  evidence.mark(`${master.name}: may be switched off`, answered);
  evidence.measure('drain --wait, from command to answer', answered - at);
  const wanted = `${master.name} captures nothing: it may be switched off.`;
  evidence.check(`routerctl drain ${master.name} --wait says`, wanted, said.text);
  const others = views.filter(({ holder, phase }) => holder !== partner.name || phase !== 'held');
  const title = `when it says so: captures that ${partner.name} does not hold`;
  evidence.check(title, 'none', captureText(others) || 'none');
  return at;
}

/**
 * Both live, and nobody asks the former master whether it has stopped: the news of its role and the successor's record race, and both may answer one
 * question. Whoever has been succeeded is silent soon, and for good.
 */
function judgeOverlap({ evidence }: Stage, { arp, since, addresses, master, partner }: LanPair): void {
  const wanted = [master, partner, master].map(({ address }) => macOf(address)).join(' ');
  for (const address of addresses) {
    const judged = arp.answering(address, since, OVERLAP_LIMIT_MS);
    evidence.count(`${address}: answers to ARP on the LAN`, judged.answers);
    evidence.count(`${address}: questions that two answered`, judged.doubles.length);
    evidence.measure(`${address}: two answered for at most`, judged.overlapMs);
    const title = `${address}: who answered ARP, one after the other, the former for no more than ${OVERLAP_LIMIT_MS} ms beside`;
    evidence.check(title, wanted, judged.order.join(' '));
  }
}

async function undrain({ lab, evidence }: Stage, { master }: LanPair): Promise<number> {
  const at = Date.now();
  const said = await routerctl(lab, OPERATOR, 'undrain', master.name);
  evidence.check(`routerctl undrain ${master.name} says`, `${master.name} may capture again.`, said.text);
  return at;
}

/** The one of the two whose kernel has the virtual address. */
async function judgeMaster(
  { lab, evidence }: Stage,
  { is, isNot, when }: { readonly is: Router; readonly isNot: Router; readonly when: string },
): Promise<void> {
  const having = await Promise.all(
    [is, isNot].map(async (router) => ((await isMaster(lab, router)) ? router.name : [])),
  );
  evidence.check(`${when}: who has ${VIRTUAL_ADDRESS}`, is.name, having.flat().join(', ') || 'nobody');
}

async function isMaster(lab: Lab, { name, nic }: Router): Promise<boolean> {
  const shown = await lab.vm(name).ipOutput('-4', '-o', 'address', 'show', 'dev', nic, 'to', `${VIRTUAL_ADDRESS}/32`);
  return shown.trim() !== '';
}

/** Nobody depends on the drained router: its return moves nothing, and nobody loses a packet. */
async function startAgain(stage: Stage, pair: LanPair): Promise<void> {
  const { lab, evidence } = stage;
  const { partner, master } = pair;
  const before = await settled(lab, LAN_SITE, partner.name);
  const traffic = await Traffic.start(lab, loadOf([LAN_SITE]));
  evidence.mark(`${master.name}: started again`, Date.now());
  await boot(lab, master);
  await goesOn(lab, traffic, { of: pair, liveness: 'alive' });
  const after = await capturesOf(lab, OPERATOR, LAN_SITE);
  const flows = await traffic.stop(stage, 'started again');
  evidence.check('started again: captures in the registry', captureText(before), captureText(after));
  evidence.checkMoves('started again: moves in the registry', { expected: 0, counted: tenuresSince(before, after) });
  await judgeMaster(stage, { is: partner, isNot: master, when: 'started again' });
  checkNoneLost(stage, flows);
}

/** Until the partner knows what became of the other, and an election that this could cause would be over. */
async function goesOn(
  lab: Lab,
  traffic: Traffic,
  { of: { partner, master }, liveness }: { readonly of: LanPair; readonly liveness: 'alive' | 'dead' },
): Promise<void> {
  await waitUntil(
    `${partner.name} takes ${master.name} for ${liveness}: that`,
    async () => ((await livenessOf(lab, partner.name, master.name)) === liveness ? true : undefined),
    { deadlineMs: LIVENESS_DEADLINE_MS, everyMs: 50 },
  );
  await traffic.answeredMore(ANSWERS_AFTER);
}
