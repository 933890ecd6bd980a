/** Checks of plugins: their files, and how their last runs ended. */
import { formatInstant } from '@routerd/resources';
import type { DoctorFacts, PluginFact } from './doctor-facts.ts';
import { check, type Finding } from './finding.ts';

export function pluginFindings({ plugins, parts, now }: DoctorFacts): readonly Finding[] {
  if (plugins.length === 0) return [check('plugin', 'plugins', 'Plugin').skip('none is declared')];
  return plugins.flatMap((plugin) => [
    executable(plugin),
    ...(plugin.observing === undefined
      ? []
      : [lastRun(plugin.name, plugin.observing.lastRun), lastResult(plugin.name, parts, now)]),
  ]);
}

function executable({ name, executable: file, file: found }: PluginFact): Finding {
  const asked = check('plugin', 'executable', `Plugin/${name}`);
  switch (found) {
    case undefined:
      return asked.skip('the host was not looked at');
    case 'executable':
      return asked.pass(`${file} can be run`);
    case 'missing':
      return asked.fail(`${file} does not exist`, 'Install it, or correct spec.executable.');
    case 'not-a-file':
      return asked.fail(`${file} is no regular file`, 'Name the program itself in spec.executable.');
    case 'not-executable':
      return asked.fail(`${file} cannot be executed`, `\`chmod 755 ${file}\``);
  }
}

type LastRun = NonNullable<PluginFact['observing']>['lastRun'];

function lastRun(name: string, run: LastRun): Finding {
  const asked = check('plugin', 'last-run', `Plugin/${name}`);
  if (run === undefined) return asked.warn('it never ran', `Try it: \`routerctl plugin run ${name} --dry-run\`.`);
  const ended = formatInstant(run.endedAt);
  if (run.result !== 'Failed' && run.result !== 'Rejected')
    return asked.pass(`${run.result.toLowerCase()} at ${ended}`);
  return asked.fail(
    `${run.result.toLowerCase()} at ${ended}: ${run.message}`,
    `See \`routerctl plugin runs ${name}\`, and try it: \`routerctl plugin run ${name} --dry-run\`.`,
  );
}

function lastResult(name: string, parts: DoctorFacts['parts'], now: DoctorFacts['now']): Finding {
  const asked = check('plugin', 'result', `Plugin/${name}`);
  const part = parts.find(({ source, status }) => source === `Plugin/${name}` && status === 'Active');
  if (part?.status !== 'Active')
    return asked.warn('nothing that it found is in effect', 'See `routerctl dynamic list`, and when it runs next.');
  return asked.pass(`what it found is in effect for ${Math.round((part.expiresAt - now) / 1000)} s more`);
}
