import { instant, type NodeName, type PoolName, type SiteName } from '@routerd/resources';
import { describe, expect, it } from 'vitest';
import { RIG_POOL, RIG_PREFIX } from '../src/contract/federation-rig.ts';
import { differingPools, PeerReports } from '../src/peer-reports.ts';
import type { SelfReport } from '../src/wire/heartbeat-wire.ts';

const PEER = 'aws-a' as NodeName;

function report(time: number, pools: ReadonlyMap<PoolName, string> = new Map()): SelfReport {
  return { time: instant(time), factsRead: 1, capturesRead: 1, pools, drains: new Set() };
}

describe('the clock of a peer', () => {
  it('is judged by the heartbeat that travelled least', () => {
    const reports = new PeerReports();
    expect(reports.clockAheadMs(PEER)).toBeUndefined();
    for (const [sent, received] of [
      [1000, 1150],
      [2000, 2020],
      [3000, 3400],
    ] as const) {
      reports.heard(PEER, report(sent), instant(received));
    }
    expect(reports.clockAheadMs(PEER)).toBe(-20);
  });

  it('is judged anew when it is set, within a minute', () => {
    const reports = new PeerReports();
    for (let at = 0; at < 61_000; at += 500) reports.heard(PEER, report(at + 5000), instant(at));
    expect(reports.clockAheadMs(PEER)).toBe(5000);
    for (let at = 61_000; at < 125_000; at += 500) reports.heard(PEER, report(at - 10), instant(at));
    expect(reports.clockAheadMs(PEER)).toBe(-10);
  });
});

describe('the pools of a peer', () => {
  const own = (digest?: string) =>
    new Map([
      [
        RIG_POOL,
        {
          prefix: RIG_PREFIX,
          sites: new Map([[PEER, 'aws' as SiteName]]),
          ...(digest === undefined ? {} : { digest }),
        },
      ],
    ]);

  it('differ when it has another definition, or none', () => {
    expect(differingPools(PEER, report(0, new Map([[RIG_POOL, 'aa']])), own('aa'))).toEqual([]);
    expect(differingPools(PEER, report(0, new Map([[RIG_POOL, 'bb']])), own('aa'))).toEqual([RIG_POOL]);
    expect(differingPools(PEER, report(0), own('aa'))).toEqual([RIG_POOL]);
  });

  it('are not compared when it is no member, or we have no digest', () => {
    expect(differingPools('aws-b' as NodeName, report(0), own('aa'))).toEqual([]);
    expect(differingPools(PEER, report(0), own())).toEqual([]);
  });
});
