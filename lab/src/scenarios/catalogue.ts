import type { Scenario } from '../scenario.ts';
import { d1 } from './d1.ts';
import { d2 } from './d2.ts';
import { d3 } from './d3.ts';
import { restart } from './restart.ts';

/** In the order in which `npm run demo` runs them. */
export const SCENARIOS: readonly Scenario[] = [d1, d2, d3, restart];
