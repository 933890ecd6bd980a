/** The four sites with AWS routers of a type whose NIC takes fifty addresses, its own included: the most that any type of AWS takes. */
import { FOUR_SITES, ROUTERS, type Router, type Topology } from './topology.ts';

const routers: readonly Router[] = ROUTERS.map((router) =>
  router.site === 'aws' ? { ...router, machineType: 'm5.24xlarge' } : router,
);

export const FULL_NICS: Topology = { ...FOUR_SITES, id: 'full-nics', routers, federated: routers };
