/** `routerd cleanup`: takes everything of ours off this host, without configuration and, if need be, without state. */
import path from 'node:path';
import { endKeepalived } from '@routerd/dataplane';
import { systemClock } from '@routerd/runtime';
import { buildCommand } from '@stricli/core';
import { refuse, stateDirFlag, type Context } from '../command-context.ts';
import { platformHost } from '../platform-host.ts';
import { allowMgmtLockoutFlag, apply, cutsManagement, refuseToChange, show } from './commands.ts';
import { lookToCleanUp, type OneShotPorts } from './one-shot.ts';
import { terminalLog } from './terminal-log.ts';

interface CleanupFlags {
  readonly stateDir: string;
  readonly dryRun: boolean;
  readonly allowMgmtLockout: boolean;
}

export const cleanupCommand = buildCommand<CleanupFlags, [], Context>({
  async func(this: Context, { stateDir, dryRun, allowMgmtLockout }: CleanupFlags) {
    const log = terminalLog(this.process.stderr);
    const ports: OneShotPorts = {
      host: platformHost(this.process.platform, { clock: systemClock, log }),
      clock: systemClock,
      log,
    };
    const look = await lookToCleanUp({ stateDir, access: dryRun ? 'look' : 'change' }, ports);
    if (!look.ok) return refuse(this, look.error);
    try {
      if (dryRun) return show(this, look.value, { output: 'text', diff: false });
      if (ports.host.unsupported !== undefined) return refuseToChange(this, ports.host.unsupported);
      if (!allowMgmtLockout && cutsManagement(this, look.value, { resources: [], reconcile: undefined }))
        return undefined;
      // First: its farewell lets another router take over at once.
      await endKeepalived({ clock: systemClock, directory: path.join(path.resolve(stateDir), 'vrrp') });
      await apply(this, look.value, ports.host);
      return undefined;
    } finally {
      look.value.close();
    }
  },
  parameters: {
    flags: {
      stateDir: stateDirFlag,
      dryRun: { kind: 'boolean', default: false, brief: 'Only print what would be removed' },
      allowMgmtLockout: allowMgmtLockoutFlag,
    },
  },
  docs: {
    brief: 'Take everything of ours off this host: what was there before comes back',
    fullDescription: [
      'Take everything of ours off this host. Settings get the values that were seen first. Run it when the daemon does not run.',
      '',
      'EXAMPLES',
      '  routerd cleanup --dry-run                        what would be removed',
      '  routerd cleanup',
      '',
      'EXIT CODES',
      '  0 nothing of ours is left   1 refused, failed or wrong usage   2 with --dry-run: something to do',
    ].join('\n'),
  },
});
