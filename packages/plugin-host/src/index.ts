export { executableProblem } from './check-executable.ts';
export { findExecutor } from './find-executor.ts';
export { createPluginExecutor, type PluginExecutor, type PluginExecutorOptions } from './plugin-executor.ts';
export { redact } from './redact.ts';
