import type { Evidence } from './evidence.ts';
import type { Lab } from './lab.ts';
import type { Progress } from './progress.ts';
import type { Topology } from './topology.ts';

/** One story with a verdict. It asserts on what the kernel, the fabrics and the clients see, never on what routerd says of itself. */
export interface Scenario {
  readonly id: string;
  readonly title: string;
  /** What has to hold for it to pass; said by `demo --list`. */
  readonly asserts: string;
  /** About how long it takes on two cores, its lab not included. */
  readonly seconds: number;
  /** The kind of lab that it runs in. */
  readonly topology: Topology;
  /** Left out of `npm run demo`, which is to end within six minutes: variations, and what needs a lab of its own. `demo --all` runs it. */
  readonly isLong?: boolean;
  /** What it leaves behind has no room for a second run in the same lab. */
  readonly runsOnce?: boolean;
  run(stage: Stage): Promise<void>;
}

export interface Stage {
  readonly lab: Lab;
  readonly evidence: Evidence;
  readonly progress: Progress;
}
