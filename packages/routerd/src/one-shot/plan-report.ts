/** A plan in words, down to each program, its input and each file. What is printed here is what `apply` performs: both read the same ops. */
import { describeOp, executionLines, executionsOf, type HostOp } from '@routerd/dataplane';
import { changedLines } from './host-lines.ts';
import { effectOf, type HostPlan, type OpEffect } from './host-plan.ts';
import type { OneShot } from './one-shot.ts';

const SIGNS = { add: '+', change: '~', remove: '-', announce: '!' } as const satisfies Record<OpEffect, string>;

export type PlanCounts = Readonly<Record<Exclude<OpEffect, 'announce'>, number>>;

export function countsOf({ ops, before }: Pick<HostPlan, 'ops' | 'before'>): PlanCounts {
  const counts = { add: 0, change: 0, remove: 0, announce: 0 };
  for (const op of ops) counts[effectOf(op, before)] += 1;
  const { add, change, remove } = counts;
  return { add, change, remove };
}

/** `+ ip route add …`: one line an op, also while it is applied. */
export function opLine(op: HostOp, { before }: Pick<HostPlan, 'before'>): string {
  return `  ${SIGNS[effectOf(op, before)]} ${describeOp(op)}`;
}

/** Of these the one line says everything that is done, in other words at most. */
const SAID_BY_THEIR_LINE: readonly HostOp['verb'][] = [
  'address-add',
  'address-remove',
  'route-add',
  'route-replace',
  'route-remove',
  'proxy-neighbor-add',
  'proxy-neighbor-remove',
  'sysctl-set',
  'sysctl-restore',
];

/** The line of the op, and below it to the letter what is run and written where that is more than the line says. */
function exactLines(op: HostOp, { before }: Pick<HostPlan, 'before'>): readonly string[] {
  const line = opLine(op, { before });
  if (SAID_BY_THEIR_LINE.includes(op.verb)) return [line];
  return [
    line,
    ...executionsOf(op, before)
      .flatMap(executionLines)
      .map((text) => `      ${text}`),
  ];
}

export function planLine({ add, change, remove }: PlanCounts): string {
  return `Plan: ${add} to add, ${change} to change, ${remove} to remove.`;
}

export function appliedLine(landed: Pick<HostPlan, 'ops' | 'before'>): string {
  const { add, change, remove } = countsOf(landed);
  return `Applied: ${add} added, ${change} changed, ${remove} removed.`;
}

export function planText(
  { plan, problems, notes }: Pick<OneShot, 'plan' | 'problems' | 'notes'>,
  showDiff: boolean,
): string {
  const lines = plan.ops.flatMap((op) => exactLines(op, plan));
  return [
    ...asideLines({ problems, notes }),
    ...(lines.length === 0 ? ['The host is as it is desired.'] : lines),
    ...(showDiff && lines.length > 0
      ? ['', '--- the host as it is', '+++ the host afterwards', ...changedLines(plan.before, plan.after)]
      : []),
    '',
    planLine(countsOf(plan)),
  ].join('\n');
}

export function asideLines({ problems, notes }: Pick<OneShot, 'problems' | 'notes'>): readonly string[] {
  const lines = [
    ...problems.map(({ subject, reason }) => `set aside: ${subject}: ${reason}`),
    ...notes.map((note) => `note: ${note}`),
  ];
  return lines.length === 0 ? [] : [...lines, ''];
}

export function planJson(
  { plan, problems, notes }: Pick<OneShot, 'plan' | 'problems' | 'notes'>,
  showDiff: boolean,
): unknown {
  return {
    summary: countsOf(plan),
    operations: plan.ops.map((op) => ({
      effect: effectOf(op, plan.before),
      command: describeOp(op),
      executions: executionsOf(op, plan.before),
      ...op,
    })),
    problems,
    notes,
    ...(showDiff ? { diff: changedLines(plan.before, plan.after) } : {}),
  };
}
