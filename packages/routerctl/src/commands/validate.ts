import { configReportToJson, loadConfig, renderConfigReport } from '@routerd/routerd/config';
import { buildCommand } from '@stricli/core';
import { fail, outputAliases, outputFlag, type Context } from '../command-context.ts';
import { renderStructured, type Output } from '../output.ts';

interface ValidateFlags {
  readonly output: Output;
}

export const validateCommand = buildCommand<ValidateFlags, [string], Context>({
  func(this: Context, { output }: ValidateFlags, location: string) {
    const config = loadConfig(location);
    if (!config.ok) return fail(this, config.error);
    const text =
      output === 'table'
        ? renderConfigReport(location, config.value)
        : renderStructured(output, configReportToJson(location, config.value));
    this.process.stdout.write(`${text}\n`);
    if (!config.value.valid) this.process.exitCode = 1;
  },
  parameters: {
    flags: { output: outputFlag },
    aliases: outputAliases,
    positional: {
      kind: 'tuple',
      parameters: [{ brief: 'A YAML file, or a folder of them', parse: String, placeholder: 'path' }],
    },
  },
  docs: {
    brief: 'Check a configuration without touching anything',
    fullDescription:
      'Check a configuration without touching anything: every problem at once, with file, line, column and remedy.\n\nEXAMPLES\n  routerctl validate /usr/local/etc/routerd/router.yaml\n  routerctl validate examples/ -o json\n\nEXIT CODES\n  0 valid   1 not valid or not readable   2 wrong usage',
  },
});
