export { buildLab, type LabOptions } from './build-lab.ts';
export { Lab, openLab } from './lab.ts';
export { PAIRS, type Pair } from './pair-topology.ts';
export { LabFault } from './lab-fault.ts';
export { createProgress, renderTable, type Progress } from './progress.ts';
export {
  CLIENTS,
  CLOUDS,
  FABRICS,
  FOUR_SITES,
  HUB,
  POOL,
  POOL_PREFIX,
  ROUTERS,
  SITES,
  type Topology,
} from './topology.ts';
export { bootVm, Vm, type BootOptions, type Stream, type VmRecord } from './vm.ts';
export { waitUntil } from './wait-until.ts';
