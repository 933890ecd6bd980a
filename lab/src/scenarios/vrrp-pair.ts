/** D4: where VRRP says who captures on the LAN, its master loses its power, is shut down, loses its link, and comes back each time. */
import type { Lab } from '../lab.ts';
import { powerOff, shutDown } from '../power.ts';
import type { Scenario, Stage } from '../scenario.ts';
import { carrierPort, FOUR_SITES, type Router } from '../topology.ts';
import { trafficOf } from './holders.ts';
import { boot, elected, follow, judgeArp, LAN_SITE, underVrrp, type LanPair } from './lan-moves.ts';

interface Incident {
  readonly name: string;
  /** @returns when it began, by the wall clock in milliseconds */
  readonly strike: (lab: Lab, master: Router) => Promise<number>;
  readonly mend: (lab: Lab, master: Router) => Promise<void>;
}

const INCIDENTS: readonly Incident[] = [
  { name: 'power-off', strike: powerOff, mend: boot },
  { name: 'shut-down', strike: shutDown, mend: boot },
  {
    name: 'link-loss',
    strike: async (...of) => plug('down', ...of),
    mend: async (...of) => void (await plug('up', ...of)),
  },
];

export const vrrpPair: Scenario = {
  id: 'D4',
  title: 'the VRRP master on the LAN loses its power, is shut down, loses its link, and returns: capture follows',
  asserts:
    'each capture moves once, one router answers ARP at a time, the client hears the announcement, no gap of 2 s; nothing lost when the master returns',
  seconds: 32,
  topology: FOUR_SITES,
  async run(stage) {
    await underVrrp(stage, async () => {
      const pair = await elected(stage);
      try {
        for (const incident of INCIDENTS)
          await stage.progress.step(`D4: ${incident.name} of the master, and its return`, async () =>
            thereAndBack(stage, pair, incident),
          );
        judgeArp(stage, pair, [pair.master, ...INCIDENTS.flatMap(() => [pair.partner, pair.master])]);
      } finally {
        pair.arp.stop(stage);
      }
    });
  },
};

/** At the far end of its cable: the router sees the carrier go. */
async function plug(state: 'up' | 'down', lab: Lab, router: Router): Promise<number> {
  const at = Date.now();
  await lab.vm('lan').ip([`link set ${carrierPort(router.name)} ${state}`]);
  return at;
}

async function thereAndBack(stage: Stage, pair: LanPair, { name, strike, mend }: Incident): Promise<void> {
  const { lab } = stage;
  const { master, partner } = pair;
  const traffic = trafficOf([LAN_SITE]);
  await follow(stage, pair, {
    name,
    from: master,
    to: partner,
    traffic,
    isHandOver: false,
    begin: async () => strike(lab, master),
  });
  const begin = async (): Promise<number> => {
    const at = Date.now();
    await mend(lab, master);
    return at;
  };
  await follow(stage, pair, { name: `${name}, return`, from: partner, to: master, traffic, isHandOver: true, begin });
}
