import { FIVE_SITES, ONPREM_AND_GCP } from './gcp-site.ts';
import { PAIRS } from './pair-topology.ts';
import { FULL_NICS } from './full-nics.ts';
import { THREE_AT_AWS } from './three-at-aws.ts';
import { FOUR_SITES, type Topology, type TopologyId } from './topology.ts';

/** What a lab that is up was built from; its record holds the id. */
export function topologyOf(id: TopologyId): Topology {
  const { azure, aws, oci } = PAIRS;
  const topologies: Readonly<Record<TopologyId, Topology>> = {
    'four-sites': FOUR_SITES,
    'five-sites': FIVE_SITES,
    'onprem-and-gcp': ONPREM_AND_GCP,
    'three-at-aws': THREE_AT_AWS,
    'full-nics': FULL_NICS,
    'pair-azure': azure,
    'pair-aws': aws,
    'pair-oci': oci,
  };
  return topologies[id];
}

const CHOICES: readonly Topology[] = [FOUR_SITES, FIVE_SITES, ONPREM_AND_GCP];

const sitesOf = ({ clients }: Topology): readonly string[] => clients.map(({ site }) => site);

/** What `lab up --sites` may be told. */
export const SITE_CHOICES: readonly (readonly string[])[] = CHOICES.map(sitesOf);

/** @returns the federated lab of exactly these sites, in whatever order; undefined where there is none */
export function topologyOfSites(sites: readonly string[]): Topology | undefined {
  const wanted = sites.toSorted().join();
  return CHOICES.find((topology) => sitesOf(topology).toSorted().join() === wanted);
}
