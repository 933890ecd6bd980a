export { commandCloud } from './command-cloud.ts';
export {
  CLOUD_FAULTS,
  cloudState,
  conformancePlan,
  type CloudFault,
  type CloudState,
  type ConformancePlan,
  type TestCloud,
} from './plan.ts';
export { runConformance, type ConformanceOptions, type Finding } from './run.ts';
