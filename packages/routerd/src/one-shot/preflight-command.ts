/** `routerd preflight`: asks the executors, without a daemon. */
import { createSurvey } from '@routerd/actions';
import { createPluginExecutor } from '@routerd/plugin-host';
import { visibleLines } from '@routerd/resources';
import { createLog, systemClock } from '@routerd/runtime';
import { buildCommand } from '@stricli/core';
import { configFlag, refuse, validConfig, type Context } from '../command-context.ts';
import { nodeSettings } from '../node-settings.ts';
import { providerNicOf } from '../provider-nic.ts';
import { hasFailed, preflightAll, preflightText } from './preflight.ts';

const outputs = ['text', 'json'] as const;

interface PreflightFlags {
  readonly config: string;
  readonly output: (typeof outputs)[number];
}

export const preflightCommand = buildCommand<PreflightFlags, [], Context>({
  async func(this: Context, { config, output }: PreflightFlags) {
    const loaded = validConfig(this, config);
    if (loaded === undefined) return;
    const settings = nodeSettings(loaded.resources);
    if (!settings.ok) return refuse(this, settings.error);
    const { pools, plugins } = settings.value;
    const nics = [
      ...new Map(pools.flatMap((pool) => providerNicOf(pool) ?? []).map((nic) => [nic.nicRef, nic])).values(),
    ];
    if (nics.length === 0) {
      this.process.stdout.write('This node captures at no provider.\n');
      return;
    }
    const executor = createPluginExecutor({ plugins, clock: systemClock, log: createLog('error') });
    try {
      const survey = createSurvey(systemClock, new AbortController().signal);
      const reports = await preflightAll(nics, executor, survey);
      const text = output === 'json' ? JSON.stringify(reports, undefined, 2) : preflightText(reports);
      this.process.stdout.write(`${visibleLines(text)}\n`);
      if (hasFailed(reports)) this.process.exitCode = 1;
    } finally {
      await executor.stop();
    }
  },
  parameters: {
    flags: {
      config: configFlag,
      output: { kind: 'enum', values: outputs, default: 'text', brief: 'How to show what was found' },
    },
    aliases: { o: 'output' },
  },
  docs: {
    brief: "Ask the providers whether this machine's identity may do what it will have to",
    fullDescription: [
      "Ask the providers whether this machine's identity may do what it will have to, missing permissions by name, and how full its NICs are.",
      "Reads, and the providers' own dry runs; changes nothing. Runs the executors of the configuration, with or without a daemon beside it.",
      'Leaves three quarters of what an account allows at once to the daemons, and waits half a minute when the provider refuses something.',
      '',
      'EXAMPLES',
      '  routerd preflight --config /usr/local/etc/routerd',
      '  routerd preflight -o json | jq \'.[].findings[] | select(.verdict == "failed").permission\'',
      '',
      'EXIT CODES',
      '  0 nothing is missing   1 something is, or could not be found out   2 wrong usage',
    ].join('\n'),
  },
});
