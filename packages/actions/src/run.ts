/**
 * One decision of a NIC's worker: which rows go out together in the next provider call. Pure.
 *
 * 1. Order: forwarding on → seizes → assigns → unassigns → forwarding off. What attracts packets comes after what forwards them.
 * 2. One call has one verb and carries every row of it that is due and admitted, up to the policy's bound of a run.
 * 3. While forwarding is still to be enabled on the NIC nothing is assigned to it: it would attract packets and drop them.
 */
import type { ActionVerb } from '@routerd/mobility';
import { minutesUntilOpen, type LocalTime } from './execution-window.ts';
import { admit, type ActionPolicy, type Refusal } from './policy.ts';
import type { ActionRow } from './ports.ts';

export interface Batch {
  readonly verb: ActionVerb;
  /** At least one; seizes first, then in the order of import. */
  readonly rows: readonly ActionRow[];
}

export interface HeldRow {
  readonly row: ActionRow;
  /** Undefined where the row waits for another row rather than for an operator. */
  readonly refusal: Refusal | undefined;
  readonly message: string;
}

export interface RunDecision {
  readonly batch: Batch | undefined;
  /** Due rows that are not let through now, and why. */
  readonly held: readonly HeldRow[];
  /** When the nearest execution window opens, in minutes; undefined when no row waits for one. */
  readonly opensInMinutes: number | undefined;
}

export interface RunInput {
  /** Rows of one NIC that are wanted: waiting ones, and failed ones for rule 3. */
  readonly rows: readonly ActionRow[];
  readonly isDue: (row: ActionRow) => boolean;
  readonly policies: readonly ActionPolicy[];
  readonly localTimeIn: (timezone: string) => LocalTime | undefined;
}

const VERB_ORDER: readonly ActionVerb[] = [
  'ensure-forwarding-enabled',
  'assign-secondary-ip',
  'unassign-secondary-ip',
  'ensure-forwarding-disabled',
];

export function decideRun({ rows, isDue, policies, localTimeIn }: RunInput): RunDecision {
  const held: HeldRow[] = [];
  const admitted: ActionRow[] = [];
  const admittedInRun = new Map<string, number>();
  let opensInMinutes: number | undefined;
  const gatesForwarding = rows.find(({ proposal }) => proposal.verb === 'ensure-forwarding-enabled');

  for (const row of rows.filter(({ status }) => status !== 'failed').toSorted(compareRows)) {
    if (!isDue(row)) continue;
    if (row.proposal.verb === 'assign-secondary-ip' && gatesForwarding !== undefined) {
      const message = `waiting for action ${gatesForwarding.id} (${gatesForwarding.proposal.verb})`;
      held.push({ row, refusal: undefined, message });
      continue;
    }
    const isAnotherRun = admitted[0] !== undefined && admitted[0].proposal.verb !== row.proposal.verb;
    const admission = admit(policies, row.proposal, {
      mode: 'execute',
      isApproved: row.status === 'approved',
      admittedInRun: isAnotherRun ? new Map() : admittedInRun,
      localTimeIn,
    });
    if (admission.kind === 'admitted') {
      if (isAnotherRun) continue;
      for (const { metadata } of admission.policies)
        admittedInRun.set(metadata.name, (admittedInRun.get(metadata.name) ?? 0) + 1);
      admitted.push(row);
      continue;
    }
    const isNextRun = admission.gate === 'bound' && admittedInRun.size > 0;
    if (!isNextRun) held.push({ row, refusal: admission, message: admission.message });
    if (admission.gate === 'window') opensInMinutes = earlier(opensInMinutes, untilOpen(policies, localTimeIn));
  }
  const [first] = admitted;
  return {
    batch: first === undefined ? undefined : { verb: first.proposal.verb, rows: admitted },
    held,
    opensInMinutes,
  };
}

function compareRows(a: ActionRow, b: ActionRow): number {
  return (
    VERB_ORDER.indexOf(a.proposal.verb) - VERB_ORDER.indexOf(b.proposal.verb) ||
    Number(a.proposal.seize === undefined) - Number(b.proposal.seize === undefined) ||
    a.id - b.id
  );
}

function untilOpen(
  policies: readonly ActionPolicy[],
  localTimeIn: (timezone: string) => LocalTime | undefined,
): number | undefined {
  let soonest: number | undefined;
  for (const { spec } of policies) {
    const window = spec.executionWindow;
    const time = window === undefined ? undefined : localTimeIn(window.timezone);
    if (!spec.enabled || window === undefined || time === undefined) continue;
    const minutes = minutesUntilOpen(window, time);
    if (minutes > 0) soonest = earlier(soonest, minutes);
  }
  return soonest;
}

function earlier(a: number | undefined, b: number | undefined): number | undefined {
  if (a === undefined || b === undefined) return a ?? b;
  return Math.min(a, b);
}
