/**
 * Three routers of one domain, and a provider that loses calls: whoever comes last must find the address, wherever it was left.
 *
 *     a holds, dies ─► b claims, confirms, its call is lost, dies ─► c claims and is told "not at b" ─► asks a, and has it
 */
import { instant, type NodeName } from '@routerd/resources';
import { expect, test } from 'vitest';
import { foldCapture } from '../src/capture-fold.ts';
import type { CaptureRecord, ClaimId, Revision } from '../src/capture-record.ts';
import { fenceAction } from '../src/fence.ts';
import type { Liveness, PoolContext, SeizeRefusal } from '../src/model.ts';
import { planAddress } from '../src/plan-address.ts';
import { address, contextOf, inputOf, node, recordOf, recordsOf, sighting, situationOf } from './fixtures.ts';

const [A, B, C] = ['aws-router-a', 'aws-router-b', 'aws-router-c'] as const;

function contextAt(self: string): PoolContext {
  const base = contextOf();
  const second = base.members.get(node(B));
  if (second === undefined) throw new Error('the fixture has two routers at AWS');
  const third = { ...second, node: node(C), spec: { ...second.spec, nodeRef: node(C) } };
  const members = new Map([...base.members, [third.node, third]]);
  return { ...base, members, self: node(self), selfMember: members.get(node(self)) };
}

class Provider {
  at: NodeName | undefined = node(A);
  loses = false;
  readonly calls: string[] = [];

  /** @returns the refusal, if it was one */
  assign(to: NodeName, from: NodeName | undefined): 'done' | 'refused' {
    this.calls.push(`${to} from ${from ?? 'nobody'}`);
    if (this.loses) return 'done'; // it never arrived, and the caller died before it could know
    if (this.at !== undefined && this.at !== to && this.at !== from) return 'refused';
    this.at = to;
    return 'done';
  }
}

/** One router at work until it wants nothing or has died; its refusals are its own. @returns the record that stands then */
function work(
  self: string,
  start: CaptureRecord,
  provider: Provider,
  dead: readonly string[],
  stepsMax: number,
): CaptureRecord {
  const context = contextAt(self);
  const refusals: SeizeRefusal[] = [];
  let record = start;
  for (let step = 0; step < stepsMax; step += 1) {
    const liveness: Readonly<Record<string, Liveness>> = Object.fromEntries(dead.map((name) => [name, 'dead']));
    const nic = { addresses: provider.at === context.self ? [address] : [], forwarding: true };
    const input = inputOf([sighting('onprem-router-a')], { records: recordsOf(record), refusals });
    const { transition, actions } = planAddress(context, situationOf(context, { liveness, nic }), input);
    const append = (phase: CaptureRecord['phase'], next: CaptureRecord): void => {
      const folded = foldCapture(record, {
        ...next,
        phase,
        revision: (record.revision + 1) as Revision,
        writer: context.self,
      });
      expect(folded.kind).toBe('accepted');
      if (folded.kind === 'accepted') record = folded.record;
    };
    if (transition !== undefined) {
      const { basedOn: _, ...fields } = transition;
      append(fields.phase, { ...record, ...fields, claim: 'c' as ClaimId, since: instant(0) });
      continue;
    }
    const [action] = actions;
    if (action === undefined) return record;
    expect(fenceAction(action, record).ok).toBe(true);
    if (record.phase === 'acquiring') append('confirmed', record);
    if (provider.assign(context.self, action.seize?.from) === 'refused')
      refusals.push({ epoch: action.captureEpoch, from: action.seize?.from });
  }
  return record;
}

test('two calls that were lost in a row do not hide the address from the third router', () => {
  const provider = new Provider();
  provider.loses = true;
  const afterB = work(B, recordOf(contextAt(A), A, { epoch: 1 }), provider, [A], 2);
  expect(afterB).toMatchObject({ holder: B, phase: 'confirmed', epoch: 2, previous: A });
  provider.loses = false;
  const afterC = work(C, afterB, provider, [A, B], 12);
  expect(provider.calls).toEqual([`${B} from ${A}`, `${C} from ${B}`, `${C} from ${A}`]);
  expect(provider.at).toBe(C);
  expect(afterC).toMatchObject({ holder: C, phase: 'held', epoch: 4, previous: A });
});

test('an address that a stranger has is asked for at each router once, and after that taken from nobody', () => {
  const provider = new Provider();
  provider.at = node('somebody-else');
  const start = recordOf(contextAt(A), undefined, { epoch: 1, previous: A, writer: A });
  const last = work(C, start, provider, [A, B], 12);
  expect(provider.calls.slice(0, 3)).toEqual([`${C} from nobody`, `${C} from ${A}`, `${C} from ${B}`]);
  expect(new Set(provider.calls.slice(3))).toEqual(new Set([`${C} from ${B}`]));
  expect(last, 'and the epoch grows no more').toMatchObject({ epoch: 4, phase: 'confirmed' });
  expect(provider.at).toBe('somebody-else');
});
