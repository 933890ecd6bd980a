/**
 * The steps of a capture and of a release in the order in which they must happen, and how far this node is: make before break, as data.
 * A successor delivers and claims before it attracts, and its predecessor gives up only what the registry gives to another.
 */
import type { CaptureRecord } from './capture-record.ts';
import type { AddressPlan, PoolMember } from './model.ts';

export const CAPTURE_STEPS = ['deliver', 'claim', 'confirm', 'forward', 'attract', 'verify', 'hold'] as const;
export const RELEASE_STEPS = ['release', 'stop-attracting', 'vacate'] as const;
export type PlannedStepName = (typeof CAPTURE_STEPS)[number] | (typeof RELEASE_STEPS)[number];

export interface PlannedStep {
  readonly step: PlannedStepName;
  readonly is: 'done' | 'next' | 'later';
}

/** @returns empty where this node neither captures the address nor is to; then it delivers at most */
export function stepsAhead(
  self: PoolMember,
  { claim, transition, actions, placement }: AddressPlan,
  record: CaptureRecord | undefined,
): readonly PlannedStep[] {
  const holds = record?.holder === self.node;
  if (holds && (claim === undefined || record.phase === 'releasing'))
    return planned(RELEASE_STEPS, record.phase === 'releasing' ? (transition?.phase === 'vacant' ? 2 : 1) : 0);
  if (claim === undefined || (!holds && placement?.node !== self.node)) return [];
  if (!holds) return planned(captureSteps(self), 1);
  if (record.phase === 'held') return planned(captureSteps(self), Infinity);
  const isVerified = transition?.phase === 'held';
  if (isVerified) return planned(captureSteps(self), captureSteps(self).indexOf('hold'));
  const isNextForwarding = actions.some(({ verb }) => verb === 'ensure-forwarding-enabled');
  const next =
    record.phase === 'acquiring' && self.role === 'cloud' ? 'confirm' : isNextForwarding ? 'forward' : 'attract';
  const waits = record.phase === 'confirmed' && actions.length === 0;
  return planned(captureSteps(self), captureSteps(self).indexOf(waits ? 'verify' : next));
}

/** On a LAN nothing is fenced by a write of its own, and the kernel forwards already. */
function captureSteps({ role }: PoolMember): readonly PlannedStepName[] {
  return role === 'cloud' ? CAPTURE_STEPS : CAPTURE_STEPS.filter((step) => step !== 'confirm' && step !== 'forward');
}

function planned(steps: readonly PlannedStepName[], next: number): readonly PlannedStep[] {
  return steps.map((step, index) => ({ step, is: index < next ? 'done' : index === next ? 'next' : 'later' }));
}
