/** What a command of routerd gets to work with, and the flags that several share. */
import type { CommandContext } from '@stricli/core';
import { loadConfig, renderConfigReport, type LoadedConfig } from './load-config.ts';
import type { SettingsFault } from './node-settings.ts';

export interface Context extends CommandContext {
  readonly process: {
    readonly stdout: { write(text: string): void };
    readonly stderr: { write(text: string): void };
    /** As Node.js names it: `linux`, `freebsd`, `darwin`. */
    readonly platform: string;
    readonly env: Readonly<Partial<Record<string, string>>>;
    exitCode?: number | string | null;
  };
}

export const configFlag = {
  kind: 'parsed',
  parse: String,
  brief: 'Startup configuration: a YAML file, or a folder of them',
  placeholder: 'path',
  default: '/usr/local/etc/routerd/router.yaml',
} as const;

export const stateDirFlag = {
  kind: 'parsed',
  parse: String,
  brief: 'Folder of the state database',
  placeholder: 'path',
  default: '/var/lib/routerd',
} as const;

/** Says what is wrong and marks the command as failed. */
export function refuse(context: Context, { message, remedy }: Pick<SettingsFault, 'message' | 'remedy'>): void {
  context.process.stderr.write(`error: ${message}\n${remedy === undefined ? '' : `  ${remedy}\n`}`);
  context.process.exitCode = 1;
}

/** Valid configuration with its warnings told, or undefined with everything that is wrong told: nothing of it may be used. */
export function validConfig(context: Context, location: string): LoadedConfig | undefined {
  const config = loadConfig(location);
  if (!config.ok) {
    refuse(context, config.error);
    return undefined;
  }
  if (config.value.diagnostics.length > 0)
    context.process.stderr.write(`${renderConfigReport(location, config.value)}\n`);
  if (config.value.valid) return config.value;
  context.process.exitCode = 1;
  return undefined;
}
