/**
 * The site at GCP that a lab may have beside the four:
 *
 *   gcp fabric .60 (.61 .62) ── gcp-router-a .14, gcp-router-b .15, gcp-client .16
 */
import {
  CLIENTS,
  FABRICS,
  FOUR_SITES,
  GCP_CLIENT,
  GCP_ROUTERS,
  ROUTERS,
  type Fabric,
  type Router,
  type Topology,
} from './topology.ts';

const GCP_FABRIC: Fabric = { name: 'gcp-fabric', cloud: 'gcp', wanAddress: '198.51.100.60' };

const routers: readonly Router[] = [...ROUTERS, ...GCP_ROUTERS];

/** `pnpm lab up --sites onprem,aws,azure,oci,gcp`. */
export const FIVE_SITES: Topology = {
  ...FOUR_SITES,
  id: 'five-sites',
  fabrics: [...FABRICS, GCP_FABRIC],
  routers,
  federated: routers,
  clients: [...CLIENTS, GCP_CLIENT],
};

const atOnpremAndGcp = routers.filter(({ site }) => site === 'onprem' || site === 'gcp');

/** The LAN and GCP alone: `pnpm lab up --sites onprem,gcp`, and scenario G1. */
export const ONPREM_AND_GCP: Topology = {
  ...FIVE_SITES,
  id: 'onprem-and-gcp',
  fabrics: [GCP_FABRIC],
  routers: atOnpremAndGcp,
  federated: atOnpremAndGcp,
  clients: FIVE_SITES.clients.filter(({ site }) => site === 'onprem' || site === 'gcp'),
};
