export { buildLab, Lab, openLab, type LabOptions } from './lab.ts';
export { LabFault } from './lab-fault.ts';
export { createProgress, renderTable, type Progress } from './progress.ts';
export { CLIENTS, CLOUDS, FABRICS, HUB, POOL, POOL_PREFIX, ROUTERS, SITES } from './topology.ts';
export { bootVm, Vm, type BootOptions, type Stream, type VmRecord } from './vm.ts';
export { waitUntil } from './wait-until.ts';
