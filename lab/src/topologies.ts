import { PAIRS } from './pair-topology.ts';
import { FULL_NICS } from './full-nics.ts';
import { THREE_AT_AWS } from './three-at-aws.ts';
import { FOUR_SITES, type Topology, type TopologyId } from './topology.ts';

/** What a lab that is up was built from; its record holds the id. */
export function topologyOf(id: TopologyId): Topology {
  const { azure, aws, oci } = PAIRS;
  const topologies: Readonly<Record<TopologyId, Topology>> = {
    'four-sites': FOUR_SITES,
    'three-at-aws': THREE_AT_AWS,
    'full-nics': FULL_NICS,
    'pair-azure': azure,
    'pair-aws': aws,
    'pair-oci': oci,
  };
  return topologies[id];
}
