/** What would change a plan, and how far a capture is: told from the rules that decided. */
import { instant } from '@routerd/resources';
import { expect, test } from 'vitest';
import type { CaptureRecord } from '../src/capture-record.ts';
import type { AddressInput, AddressLease } from '../src/model.ts';
import { outlookOf, renderOutlook } from '../src/outlook.ts';
import { planAddress } from '../src/plan-address.ts';
import { stepsAhead } from '../src/steps-ahead.ts';
import {
  address,
  contextOf,
  inputOf,
  recordOf,
  recordsOf,
  sighting,
  situationOf,
  type SituationOptions,
} from './fixtures.ts';

const context = contextOf();
const A = 'aws-router-a';
const B = 'aws-router-b';
const LAN = 'onprem-router-a';

function told(input: AddressInput, options: SituationOptions = {}): readonly string[] {
  const situation = situationOf(context, options);
  return outlookOf(context, situation, input, planAddress(context, situation, input)).map(renderOutlook);
}

test('of an address that is well it is told what would end it, and who stands in', () => {
  const input = inputOf([sighting(LAN)], { records: recordsOf(recordOf(context, A)) });
  expect(told(input, { nic: { addresses: [address], forwarding: true } })).toEqual([
    'if onprem-router-a says that it is gone: nobody owns it any more',
    'if onprem-router-a falls silent, from 1970-01-01T00:01:00.000Z on: stale at site onprem',
    'at 1970-01-01T00:01:00.000Z, without news: holding at site onprem',
    'if aws-router-a fails or drains: aws-router-b captures here',
  ]);
});

test('of several routers that see an address all have to say that it is gone', () => {
  const input = inputOf([sighting(LAN), sighting('onprem-router-b')], { records: recordsOf(recordOf(context, A)) });
  expect(told(input)[0]).toBe('if onprem-router-a and onprem-router-b say that it is gone: nobody owns it any more');
});

test('where VRRP has the say it is told what an election would change', () => {
  const gated = contextOf({ self: 'onprem-router-b', vrrp: true });
  const input = inputOf([sighting('aws-router-a')], { records: recordsOf(recordOf(gated, LAN)) });
  const toldAs = (vrrp: 'master' | 'backup'): readonly string[] => {
    const situation = situationOf(gated, { vrrp });
    return outlookOf(gated, situation, input, planAddress(gated, situation, input)).map(renderOutlook);
  };
  expect(toldAs('backup')).toContain('if VRRP makes onprem-router-b the master: onprem-router-b captures here');
  expect(toldAs('master').filter((line) => line.includes('captures here'))).toEqual([]);
});

test('of a conflict it is told who would win it', () => {
  const input = inputOf([sighting(LAN), sighting('azure-router-a', { at: 10 })]);
  expect(told(input)).toContain('if onprem-router-a says that it is gone: active at site azure');
});

test('of a frozen address it is told where a release would send it', () => {
  const lease = planAddress(context, situationOf(context), inputOf([sighting(LAN)])).lease!;
  const frozen: AddressLease = {
    ...lease,
    status: 'frozen',
    frozen: { by: 'moves', since: instant(0), orderVersion: 0 },
  };
  expect(told(inputOf([sighting(LAN)], { previousLease: frozen }))).toContain(
    'if an operator releases it: active at site onprem',
  );
});

test('of a router that is not there it is told that it would take back, and of nobody left that nobody captures', () => {
  const input = inputOf([sighting('oci-router-a')], { records: recordsOf(recordOf(context, B)) });
  const outlook = told(input, { draining: [A] });
  expect(outlook).toContain('if aws-router-b fails or drains: nobody captures here');
  expect(outlook).toContain('if aws-router-a is there again and does not drain: aws-router-a captures here');
});

test('of what nobody owns nothing is told', () => {
  expect(told(inputOf([]))).toEqual([]);
});

// ---- how far a capture is ----

function steps(
  record: CaptureRecord | undefined,
  options: SituationOptions = {},
  self = A,
  source = LAN,
  gone = false,
): string {
  const of = contextOf({ self });
  const input = inputOf(
    [sighting(source, gone ? { kind: 'expired' } : {})],
    record === undefined ? {} : { records: recordsOf(record) },
  );
  const plan = planAddress(of, situationOf(of, options), input);
  return stepsAhead(of.selfMember!, plan, record)
    .map(({ step, is }) => (is === 'done' ? `✓${step}` : is === 'next' ? `»${step}` : step))
    .join(' ');
}

test('a capture at a provider goes step by step, and each is told', () => {
  const off = { nic: { addresses: [], forwarding: false } };
  const on = { nic: { addresses: [], forwarding: true } };
  const there = { nic: { addresses: [address], forwarding: true } };
  expect(steps(undefined, off)).toBe('✓deliver »claim confirm forward attract verify hold');
  expect(steps(recordOf(context, A, { phase: 'acquiring' }), off)).toBe(
    '✓deliver ✓claim »confirm forward attract verify hold',
  );
  expect(steps(recordOf(context, A, { phase: 'confirmed' }), off)).toBe(
    '✓deliver ✓claim ✓confirm »forward attract verify hold',
  );
  expect(steps(recordOf(context, A, { phase: 'confirmed' }), on)).toBe(
    '✓deliver ✓claim ✓confirm ✓forward »attract verify hold',
  );
  expect(steps(recordOf(context, A, { phase: 'confirmed' }))).toBe(
    '✓deliver ✓claim ✓confirm ✓forward ✓attract »verify hold',
  );
  expect(steps(recordOf(context, A, { phase: 'confirmed' }), there)).toBe(
    '✓deliver ✓claim ✓confirm ✓forward ✓attract ✓verify »hold',
  );
  expect(steps(recordOf(context, A), there)).toBe('✓deliver ✓claim ✓confirm ✓forward ✓attract ✓verify ✓hold');
});

test('a LAN has fewer steps, a standby none', () => {
  const lan = contextOf({ self: LAN });
  expect(steps(undefined, { hostCaptures: [] }, LAN, A)).toBe('✓deliver »claim attract verify hold');
  expect(steps(recordOf(lan, LAN), { hostCaptures: [address] }, LAN, A)).toBe('✓deliver ✓claim ✓attract ✓verify ✓hold');
  expect(steps(recordOf(context, A), {}, B)).toBe('');
});

test('a release is told too', () => {
  const there = { nic: { addresses: [address], forwarding: true } };
  expect(steps(recordOf(context, A), there, A, LAN, true)).toBe('»release stop-attracting vacate');
  const releasing = recordOf(context, A, { phase: 'releasing' });
  expect(steps(releasing, there, A, LAN, true)).toBe('✓release »stop-attracting vacate');
  expect(steps(releasing, { nic: { addresses: [], forwarding: false } }, A, LAN, true)).toBe(
    '✓release ✓stop-attracting »vacate',
  );
});
