import type { Scenario } from '../scenario.ts';
import { cloudNews } from './cloud-news.ts';
import { d1 } from './d1.ts';
import { d2 } from './d2.ts';
import { d3 } from './d3.ts';
import { drift } from './drift.ts';
import { duplicate } from './duplicate.ts';
import { fullDrain } from './full-drain.ts';
import { exampleDemo } from './example-demo.ts';
import { g1 } from './g1.ts';
import { g2 } from './g2.ts';
import { hubLost } from './hub-lost.ts';
import { lanDrain } from './lan-drain.ts';
import { loss } from './loss.ts';
import { nPlusOne } from './n-plus-one.ts';
import { movingMachine } from './moving-machine.ts';
import { p1, p2, p3 } from './pair.ts';
import { allAtOnce } from './all-at-once.ts';
import { drains } from './drain.ts';
import { restart } from './restart.ts';
import { threeHubs } from './three-hubs.ts';
import { vrrpPair } from './vrrp-pair.ts';
import { zombie } from './zombie.ts';

/** Those of `npm run demo`, in its order; then those that build a lab of their own. */
export const SCENARIOS: readonly Scenario[] = [
  d1,
  d2,
  d3,
  restart,
  vrrpPair,
  ...drains,
  lanDrain,
  loss,
  zombie,
  hubLost,
  movingMachine,
  allAtOnce,
  duplicate,
  exampleDemo,
  drift,
  nPlusOne,
  fullDrain,
  threeHubs,
  cloudNews,
  g1,
  g2,
  p1,
  p2,
  p3,
];
