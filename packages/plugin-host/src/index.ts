export { executableProblem } from './check-executable.ts';
export { findExecutor } from './find-executor.ts';
export type { ExecutorDescription } from './negotiate.ts';
export { createPluginExecutor, type PluginExecutor, type PluginExecutorOptions } from './plugin-executor.ts';
export { redact } from './redact.ts';
export { createPluginRunner, type PluginRunnerPorts } from './plugin-runner.ts';
export { readResult } from './read-result.ts';
