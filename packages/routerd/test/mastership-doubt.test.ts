/** A master whose captures another router claims, before VRRP has told it that it is none any more. */
import {
  captureKeyOf,
  poolContexts,
  type CaptureEpoch,
  type CaptureRecord,
  type ClaimId,
  type PoolContext,
  type Revision,
} from '@routerd/mobility';
import { instant, parseHostAddress, parseNodeName, type Result } from '@routerd/resources';
import { expect, test } from 'vitest';
import { MastershipDoubt, type HeldRecords } from '../src/mastership-doubt.ts';
import { resource } from './doctor-facts.ts';

function must<T>(result: Result<T, unknown>): T {
  if (!result.ok) throw new Error(JSON.stringify(result.error));
  return result.value;
}

const ADDRESS = must(parseHostAddress('10.77.60.11/32'));
const NOW = instant(1_790_000_000_000);
const LATER = instant(NOW + 1000);

function contextOf(capture: object): PoolContext {
  const contexts = must(
    poolContexts([
      resource('federation', 'EventGroup', 'g', {
        nodeName: 'onprem-a',
        servers: ['nats://127.0.0.1:4222'],
        identity: { seedFile: '/none' },
      }),
      resource('mobility', 'MobilityPool', 'p', {
        prefix: '10.77.60.0/24',
        groupRef: 'g',
        members: ['onprem-a', 'onprem-b'].map((nodeRef) => ({ nodeRef, site: 'onprem', role: 'onprem', capture })),
      }),
    ]),
  );
  const [context] = contexts;
  if (context === undefined) throw new Error('there is no pool');
  return context;
}

const PROXY_ARP = { type: 'proxy-arp', interface: 'lan0' };
const GATED = contextOf({ ...PROXY_ARP, activeWhen: { type: 'vrrp-master', virtualAddressRef: 'gateway' } });

function record(context: PoolContext, holder: string | undefined, epoch: number): CaptureRecord {
  const domain = context.selfMember?.domain;
  if (domain === undefined) throw new Error('the pool has no member of ours');
  return {
    key: captureKeyOf(context.name, ADDRESS, domain),
    pool: context.name,
    address: ADDRESS,
    domain,
    revision: epoch as Revision,
    epoch: epoch as CaptureEpoch,
    holder: holder === undefined ? undefined : must(parseNodeName(holder)),
    phase: holder === undefined ? 'vacant' : 'acquiring',
    previous: undefined,
    writer: must(parseNodeName(holder ?? 'onprem-a')),
    claim: 'c' as ClaimId,
    since: instant(0),
    reason: 'test',
  };
}

const holding = (context: PoolContext, known: CaptureRecord | undefined): HeldRecords => ({
  context,
  record: () => known,
});

test('a master that is overtaken doubts its role, for a second', () => {
  const doubt = new MastershipDoubt();
  const pool = holding(GATED, record(GATED, 'onprem-a', 3));
  expect(doubt.has(pool, NOW)).toBe(false);
  expect(doubt.accept(pool, record(GATED, 'onprem-b', 4), () => 'master', NOW)).toBe(true);
  expect([doubt.has(pool, NOW), doubt.endsAt()]).toEqual([true, LATER]);
  // The next address that is taken from it makes the doubt no longer.
  expect(doubt.accept(pool, record(GATED, 'onprem-b', 5), () => 'master', instant(NOW + 500))).toBe(false);
  expect(doubt.has(pool, LATER)).toBe(false);
  doubt.forget(LATER);
  expect(doubt.endsAt()).toBeUndefined();
});

test('news of VRRP ends the doubt', () => {
  const doubt = new MastershipDoubt();
  const pool = holding(GATED, record(GATED, 'onprem-a', 3));
  doubt.accept(pool, record(GATED, 'onprem-b', 4), () => 'master', NOW);
  doubt.clear();
  expect([doubt.has(pool, NOW), doubt.endsAt()]).toEqual([false, undefined]);
});

test('there is nothing to doubt where nobody was overtaken, and where VRRP has no say', () => {
  const doubt = new MastershipDoubt();
  const [own, other] = [record(GATED, 'onprem-a', 3), record(GATED, 'onprem-b', 4)];
  const [ungated, free] = [contextOf(PROXY_ARP), undefined];
  const asked: readonly (readonly [HeldRecords, CaptureRecord | undefined, 'master' | 'backup'])[] = [
    [holding(GATED, own), other, 'backup'],
    [holding(GATED, own), own, 'master'],
    [holding(GATED, own), record(GATED, free, 4), 'master'],
    [holding(GATED, own), undefined, 'master'],
    // A new master finds the old one's record, and one that starts reads the registry for the first time.
    [holding(GATED, record(GATED, 'onprem-b', 3)), other, 'master'],
    [holding(GATED, undefined), other, 'master'],
    [holding(ungated, record(ungated, 'onprem-a', 3)), record(ungated, 'onprem-b', 4), 'master'],
  ];
  expect(asked.map(([pool, news, role]) => doubt.accept(pool, news, () => role, NOW))).toEqual(asked.map(() => false));
  expect(doubt.endsAt()).toBeUndefined();
});
