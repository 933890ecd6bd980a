/** `routerd plan` and `routerd apply --once`: one look at this host, without a daemon. */
import { describeOp, divide, type WithheldOp } from '@routerd/dataplane';
import { yamlText } from '@routerd/resources';
import { systemClock } from '@routerd/runtime';
import { buildCommand } from '@stricli/core';
import { configFlag, refuse, stateDirFlag, validConfig, type Context } from '../command-context.ts';
import type { LoadedConfig } from '../load-config.ts';
import { managementAccess, withheldOps } from '../management-access.ts';
import { platformHost } from '../platform-host.ts';
import { applyPlan } from './apply-plan.ts';
import { lookOnce, type OneShot, type OneShotOptions, type OneShotPorts } from './one-shot.ts';
import { appliedLine, asideLines, opLine, planJson, planText } from './plan-report.ts';
import { sessionAsking } from './ssh-connection.ts';
import { terminalLog } from './terminal-log.ts';

/** There is something to do; wrong usage of `plan` and `apply` is 1, so that nobody takes it for this. */
const SOMETHING_TO_DO = 2;

const outputs = ['text', 'json', 'yaml'] as const;

interface PlanFlags {
  readonly config: string;
  readonly stateDir: string;
  readonly output: (typeof outputs)[number];
  readonly diff: boolean;
}

const outputFlag = { kind: 'enum', values: outputs, default: 'text', brief: 'How to show the plan' } as const;
const diffFlag = { kind: 'boolean', default: false, brief: 'Show the lines of the host that change' } as const;

export const allowMgmtLockoutFlag = {
  kind: 'boolean',
  default: false,
  brief: 'Go on although it cuts an interface of a mgmt zone, or the SSH session that asks',
} as const;

export const planCommand = buildCommand<PlanFlags, [], Context>({
  async func(this: Context, flags: PlanFlags) {
    await withLook(this, flags, 'look', (look, _, config) => show(this, withWarnings(this, look, config), flags));
  },
  parameters: {
    flags: { config: configFlag, stateDir: stateDirFlag, output: outputFlag, diff: diffFlag },
    aliases: { o: 'output' },
  },
  docs: {
    brief: 'Print what apply would change on this host, and change nothing',
    fullDescription: [
      'Print what apply would change on this host, in its order, and change nothing: each program with its arguments and input,',
      'each file with its mode and digest. Keys are named by their files.',
      '',
      'EXAMPLES',
      '  routerd plan --config /usr/local/etc/routerd',
      '  routerd plan --diff                              the lines of the host before and after',
      '  routerd plan -o json | jq .summary',
      '  routerd plan -o yaml                             each operation with its executions',
      '',
      'EXIT CODES',
      '  0 nothing to do   2 something to do   1 refused, failed or wrong usage',
    ].join('\n'),
  },
});

interface ApplyFlags extends PlanFlags {
  readonly once: boolean;
  readonly allowMgmtLockout: boolean;
  readonly dryRun: boolean;
}

export const applyCommand = buildCommand<ApplyFlags, [], Context>({
  async func(this: Context, flags: ApplyFlags) {
    if (!flags.once)
      return refuse(this, {
        message: 'apply works once.',
        remedy: 'Pass --once; `routerd serve` keeps the host as it is desired.',
      });
    if (flags.dryRun)
      return withLook(this, flags, 'look', (look, _, config) => show(this, withWarnings(this, look, config), flags));
    await withLook(this, flags, 'change', async (look, { host }, config) => {
      if (host.unsupported !== undefined) return refuseToChange(this, host.unsupported);
      const allowed = flags.allowMgmtLockout ? look : allowedPart(this, look, config);
      if (allowed !== undefined) await apply(this, allowed, host);
    });
  },
  parameters: {
    flags: {
      config: configFlag,
      stateDir: stateDirFlag,
      once: { kind: 'boolean', default: false, brief: 'Change the host once and end' },
      dryRun: { kind: 'boolean', default: false, brief: 'Only print what would be done, as plan does' },
      allowMgmtLockout: allowMgmtLockoutFlag,
      output: outputFlag,
      diff: diffFlag,
    },
    aliases: { o: 'output' },
  },
  docs: {
    brief: 'Do what plan prints, once, without a daemon',
    fullDescription: [
      'Do what plan prints, once, without a daemon. Each change is printed when it has landed.',
      '',
      'EXAMPLES',
      '  routerd apply --once --config /usr/local/etc/routerd',
      '  routerd apply --once --dry-run                   the same as routerd plan',
      '',
      'EXIT CODES',
      '  0 everything landed   1 refused, failed or wrong usage   2 with --dry-run: something to do',
    ].join('\n'),
  },
});

/** Looks at the host and hands over what was seen; the state is closed again however it ends. */
async function withLook(
  context: Context,
  { config: location, stateDir }: Pick<PlanFlags, 'config' | 'stateDir'>,
  access: OneShotOptions['access'],
  then: (look: OneShot, ports: OneShotPorts, config: LoadedConfig) => void | Promise<void>,
): Promise<void> {
  const config = validConfig(context, location);
  if (config === undefined) return;
  const log = terminalLog(context.process.stderr);
  const ports: OneShotPorts = {
    host: platformHost(context.process.platform, { clock: systemClock, log }),
    clock: systemClock,
    log,
  };
  const look = await lookOnce({ config, stateDir, access }, ports);
  if (!look.ok) return refuse(context, look.error);
  try {
    await then(look.value, ports, config);
  } finally {
    look.value.close();
  }
}

/** Nothing was changed, and nothing will be: there is no use in trying a part of it. */
export function refuseToChange(context: Context, why: string): void {
  refuse(context, { message: why, remedy: 'Run routerd on Linux. `routerd plan` shows what it would do there.' });
}

export function show(context: Context, look: OneShot, { output, diff }: Pick<PlanFlags, 'output' | 'diff'>): void {
  context.process.stdout.write(`${planIn(output, look, diff)}\n`);
  if (look.plan.ops.length > 0) context.process.exitCode = SOMETHING_TO_DO;
}

function planIn(output: PlanFlags['output'], look: OneShot, diff: boolean): string {
  if (output === 'text') return planText(look, diff);
  const plan = planJson(look, diff);
  return output === 'json' ? JSON.stringify(plan, undefined, 2) : yamlText(plan);
}

type Guarded = Pick<LoadedConfig, 'resources' | 'reconcile'>;

/** What of the plan would cut management off. */
function cutsOf(context: Context, { plan }: OneShot, { resources, reconcile }: Guarded): readonly WithheldOp[] {
  const session = sessionAsking(context.process.env);
  const access = managementAccess(resources, reconcile, session);
  return withheldOps(plan.ops, plan.before, access, resources, 'progressive');
}

/** Says what would cut management off, and refuses. @returns true if anything would */
export function cutsManagement(context: Context, look: OneShot, config: Guarded): boolean {
  const cuts = cutsOf(context, look, config);
  if (cuts.length === 0) return false;
  refuse(context, {
    message: `this would cut management access; nothing was changed.\n  ${cuts.map(({ reason }) => reason).join('\n  ')}`,
    remedy: 'Pass --allow-mgmt-lockout if you have another way to this machine.',
  });
  return true;
}

/** A plan says beforehand what apply would refuse. */
function withWarnings(context: Context, look: OneShot, config: Guarded): OneShot {
  const warnings = cutsOf(context, look, config).map(
    ({ op, reason }) => `Apply withholds ${describeOp(op)}: ${reason}`,
  );
  return { ...look, notes: [...look.notes, ...warnings] };
}

/** In mode progressive what would cut management off is left out, and the rest is made. @returns undefined if nothing may be */
function allowedPart(context: Context, look: OneShot, config: Guarded): OneShot | undefined {
  if (config.reconcile?.mode !== 'progressive') return cutsManagement(context, look, config) ? undefined : look;
  const cuts = cutsOf(context, look, config);
  for (const { op, reason } of cuts) context.process.stderr.write(`error: withheld: ${describeOp(op)}: ${reason}\n`);
  if (cuts.length > 0) context.process.exitCode = 1;
  return { ...look, plan: { ...look.plan, ops: divide(look.plan.ops, cuts).made } };
}

export async function apply(context: Context, look: OneShot, host: OneShotPorts['host']): Promise<void> {
  const { plan, ledger } = look;
  const { stdout, stderr } = context.process;
  for (const line of asideLines(look)) stdout.write(`${line}\n`);
  const left = await applyPlan(plan.ops, { host, ledger }, ({ op, residual }) => {
    if (residual === undefined) stdout.write(`${opLine(op, plan)}\n`);
    else stderr.write(`error: ${describeOp(op)}: ${residual.fault.detail}\n`);
  });
  if (plan.ops.length === 0) stdout.write('The host is as it is desired.\n');
  const failed = new Set(left.map(({ op }) => op));
  stdout.write(`\n${appliedLine({ ops: plan.ops.filter((op) => !failed.has(op)), before: plan.before })}\n`);
  if (failed.size === 0) return;
  stderr.write(
    `error: ${failed.size} of ${plan.ops.length} changes did not land.\n  Run \`routerd plan\` to see what is left.\n`,
  );
  context.process.exitCode = 1;
}
