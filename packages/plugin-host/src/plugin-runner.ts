/** The runner port of the observing side over plugin processes: one process for one request. */
import type { PluginRunner, RunFault, RunReport } from '@routerd/observers';
import { durationMs, err, type ResourceOf } from '@routerd/resources';
import type { Clock, Log } from '@routerd/runtime';
import { executableProblem } from './check-executable.ts';
import { oneShotRun } from './one-shot-run.ts';
import { readResult } from './read-result.ts';
import { redact } from './redact.ts';

export interface PluginRunnerPorts {
  readonly clock: Clock;
  readonly log: Log;
}

/** Without `Plugin.timeout`. */
const OBSERVE_TIMEOUT = durationMs(10_000);

export function createPluginRunner({ clock, log }: PluginRunnerPorts): PluginRunner {
  return {
    async run(plugin, request, signal) {
      const { name } = plugin.metadata;
      const problem = await executableProblem(plugin.spec.executable);
      if (problem !== undefined)
        return notStarted({ code: 'plugin.not-executable', message: `plugin ${name}: ${problem}` });
      if (signal.aborted) return notStarted({ code: 'plugin.cancelled', message: `plugin ${name} was cancelled` });
      // Who waits for a cloud to tell of something waits as long as it takes: whoever asked breaks it off.
      const isFollowing = request.spec.trigger.type === 'follow';
      const timeout = isFollowing ? undefined : (plugin.spec.timeout ?? OBSERVE_TIMEOUT);
      const input = JSON.stringify(request);
      let end: Awaited<ReturnType<typeof oneShotRun>>;
      try {
        end = await oneShotRun(plugin, { input, timeout, clock, signal });
      } catch (cause) {
        // What the system refuses before there is a process: too long an argument list, a NUL in an argument.
        return notStarted({
          code: 'plugin.not-executable',
          message: `plugin ${name} could not be started: ${String(cause)}`,
        });
      }
      const { exitCode, stdoutDigest, stderr, stdout } = end;
      log.debug('plugin ended', { event: 'plugin.ended', plugin: name, exitCode, stdoutDigest });
      return { exitCode, stdoutDigest, stderr, outcome: outcomeOf(plugin, stdout) };
    },
  };
}

function outcomeOf(
  { metadata: { name } }: ResourceOf<'Plugin'>,
  stdout: Awaited<ReturnType<typeof oneShotRun>>['stdout'],
): RunReport['outcome'] {
  if (stdout.ok) {
    const result = readResult(stdout.value, name);
    return result.ok ? result : err(withoutSecrets(result.error));
  }
  const { code, detail } = stdout.error;
  return err({ code, message: `plugin ${name} ${detail}`, problems: [] });
}

/** What is wrong is said with what was found, and that may be anything. */
function withoutSecrets({ code, message, problems }: RunFault): RunFault {
  return {
    code,
    message: redact(message),
    problems: problems.map((problem) => ({ path: problem.path, message: redact(problem.message) })),
  };
}

function notStarted({ code, message }: Pick<RunFault, 'code' | 'message'>): RunReport {
  return { exitCode: undefined, stdoutDigest: undefined, stderr: '', outcome: err({ code, message, problems: [] }) };
}
