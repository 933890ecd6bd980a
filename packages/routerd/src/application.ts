import { createLog, LOG_LEVELS, type Log, type LogLevel } from '@routerd/runtime';
import { buildApplication, buildCommand, buildRouteMap } from '@stricli/core';
import { configFlag, refuse, stateDirFlag, validConfig, type Context } from './command-context.ts';
import type { Daemon } from './daemon.ts';
import { configReportToJson, loadConfig, renderConfigReport } from './load-config.ts';
import { nodeSettings } from './node-settings.ts';
import { cleanupCommand } from './one-shot/cleanup-command.ts';
import { applyCommand, planCommand } from './one-shot/commands.ts';
import { preflightCommand } from './one-shot/preflight-command.ts';
import { VERSION } from './version.ts';

interface ServeFlags {
  readonly config: string;
  readonly stateDir: string;
  readonly socket: string;
  readonly logLevel: LogLevel;
}

const serveCommand = buildCommand<ServeFlags, [], Context>({
  async func(this: Context, flags: ServeFlags) {
    const config = validConfig(this, flags.config);
    if (config === undefined) return;
    const settings = nodeSettings(config.resources, config.reconcile);
    if (!settings.ok) return refuse(this, settings.error);
    const log = createLog(flags.logLevel);
    const { startDaemon } = await import('./daemon.ts');
    const { stateDir, socket } = flags;
    const daemon = await startDaemon({
      settings: settings.value,
      stateDir,
      socketPath: socket,
      platform: this.process.platform,
      log,
    });
    if (!daemon.ok) return refuse(this, daemon.error);
    const reloading = reloadOnHangUp(flags.config, daemon.value, log);
    const signal = await untilAskedToStop();
    reloading.end();
    log.info('stopping; the host keeps forwarding', { event: 'routerd.stopping', signal });
    await daemon.value.stop();
    log.info('routerd is down', { event: 'routerd.stopped' });
  },
  parameters: {
    flags: {
      config: configFlag,
      stateDir: stateDirFlag,
      socket: {
        kind: 'parsed',
        parse: String,
        brief: 'Socket that routerctl asks on',
        placeholder: 'path',
        default: '/run/routerd/routerd.sock',
      },
      logLevel: { kind: 'enum', values: LOG_LEVELS, default: 'info', brief: 'What is logged, as JSON lines on stderr' },
    },
  },
  docs: { brief: 'Run the daemon until SIGTERM or SIGINT; the host keeps forwarding afterwards' },
});

interface ValidateFlags {
  readonly config: string;
  readonly json: boolean;
}

const validateCommand = buildCommand<ValidateFlags, [], Context>({
  func(this: Context, flags: ValidateFlags) {
    const config = loadConfig(flags.config);
    if (!config.ok) return refuse(this, config.error);
    this.process.stdout.write(
      `${flags.json ? JSON.stringify(configReportToJson(flags.config, config.value), undefined, 2) : renderConfigReport(flags.config, config.value)}\n`,
    );
    if (!config.value.valid) this.process.exitCode = 1;
  },
  parameters: { flags: { config: configFlag, json: { kind: 'boolean', default: false, brief: 'Report as JSON' } } },
  docs: { brief: 'Check a configuration without touching anything' },
});

/** A configuration with errors changes nothing. */
function reloadOnHangUp(location: string, daemon: Pick<Daemon, 'reload'>, log: Log): { readonly end: () => void } {
  const reload = async (): Promise<void> => {
    const config = loadConfig(location);
    if (!config.ok || !config.value.valid) {
      const detail = config.ok ? renderConfigReport(location, config.value) : config.error.message;
      return log.error('the changed configuration was not taken over', { event: 'routerd.reload.refused', detail });
    }
    await daemon.reload(config.value.resources);
    return log.info('what may change without a restart was taken over', { event: 'routerd.reloaded' });
  };
  const onHangUp = (): void => void reload();
  process.on('SIGHUP', onHangUp);
  return { end: () => process.off('SIGHUP', onHangUp) };
}

async function untilAskedToStop(): Promise<NodeJS.Signals> {
  return new Promise((resolve) => {
    for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => resolve(signal));
  });
}

const routes = buildRouteMap<string, Context>({
  routes: {
    serve: serveCommand,
    validate: validateCommand,
    plan: planCommand,
    apply: applyCommand,
    cleanup: cleanupCommand,
    preflight: preflightCommand,
  },
  docs: {
    brief: 'Selective Address Mobility: the daemon of one router',
    fullDescription:
      'Selective Address Mobility: the daemon of one router.\n\nEXAMPLES\n  routerd validate --config /usr/local/etc/routerd\n  routerd plan --diff\n  routerd apply --once\n  routerd cleanup --dry-run\n  routerd preflight\n  routerd serve --config /usr/local/etc/routerd/router.yaml\n\nEXIT CODES\n  0 done   1 refused or failed   2 wrong usage; from plan: something to do',
  },
});

export const application = buildApplication(routes, {
  name: 'routerd',
  versionInfo: { currentVersion: VERSION },
  scanner: { caseStyle: 'allow-kebab-for-camel' },
});
