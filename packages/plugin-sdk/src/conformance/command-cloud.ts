/** A test cloud that is driven by commands: the hooks of `conformance.yaml`. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { searchPath } from './executor-process.ts';
import { cloudState, type ConformancePlan, type TestCloud } from './plan.ts';

const run = promisify(execFile);
const HOOK_LIMIT_MS = 30_000;

/** @param folder where relative paths start */
export function commandCloud({ hooks, env }: ConformancePlan, folder: string): TestCloud {
  const call = async ([file = '', ...args]: readonly string[]): Promise<string> => {
    const options = { cwd: folder, env: { PATH: searchPath(), ...env }, timeout: HOOK_LIMIT_MS };
    return (await run(file, args, options)).stdout;
  };
  const { fault } = hooks;
  return {
    reset: async () => void (await call(hooks.reset)),
    state: async () => cloudState.parse(JSON.parse(await call(hooks.state))),
    inject: fault === undefined ? undefined : async (kind) => void (await call([...fault, kind])),
  };
}
