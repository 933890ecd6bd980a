import type { CaptureKey } from '@routerd/mobility';
import type { HostAddress, NodeName, PoolName } from '@routerd/resources';
import { describe, expect, it } from 'vitest';
import {
  captureStream,
  captureSubject,
  factsStream,
  factSubject,
  heartbeatSubject,
  parseCaptureSubject,
  parseFactSubject,
  parseGroupName,
  parseHeartbeatSubject,
  type GroupName,
} from '../src/subjects.ts';

const GROUP = 'demo' as GroupName;
const FACT = {
  source: 'onprem-a' as NodeName,
  pool: 'cloudedge' as PoolName,
  address: '10.77.60.10/32' as HostAddress,
};
const KEY = 'cloudedge|10.77.60.10/32|site:onprem:segment:br-länd' as CaptureKey;

describe('names on the hub', () => {
  it('a fact subject ends in its address and is read back', () => {
    expect(factSubject(GROUP, FACT)).toBe('sam.v1.demo.facts.onprem-a.cloudedge.10-77-60-10');
    expect(parseFactSubject(GROUP, factSubject(GROUP, FACT))).toEqual(FACT);
  });

  it('a capture subject carries any key in one token', () => {
    const subject = captureSubject(GROUP, FACT.source, KEY);
    const parsed = parseCaptureSubject(GROUP, subject);
    expect(parsed?.writer).toBe('onprem-a');
    expect(Buffer.from(parsed?.keyToken ?? '', 'base64url').toString()).toBe(KEY);
    expect(subject.split('.')).toHaveLength(6);
  });

  it('a heartbeat subject is read back', () => {
    expect(parseHeartbeatSubject(GROUP, heartbeatSubject(GROUP, FACT.source))).toBe('onprem-a');
  });

  it('streams are named after the group', () => {
    expect([factsStream(GROUP), captureStream(GROUP)]).toEqual(['SAM_DEMO_FACTS', 'SAM_DEMO_CAPTURE']);
  });

  for (const subject of [
    'sam.v1.other.facts.onprem-a.cloudedge.10-77-60-10',
    'sam.v1.demo.facts.onprem-a.cloudedge.10-77-60-10.more',
    'sam.v1.demo.facts.onprem-a.cloudedge.10-77-60',
    'sam.v1.demo.facts.onprem-a.cloudedge.10-77-60-010',
    'sam.v1.demo.facts.onprem-a.cloudedge',
    'sam.v1.demo.hb.onprem-a',
    '',
  ]) {
    it(`"${subject}" is no fact subject of the group`, () => {
      expect(parseFactSubject(GROUP, subject)).toBeUndefined();
    });
  }

  it('a group whose name could not stand in a subject is refused', () => {
    for (const input of ['Demo', 'a.b', 'a*', '', 'a b', '-a']) {
      expect(parseGroupName(input)).toEqual({ ok: false, error: { code: 'group.malformed', input } });
    }
    expect(parseGroupName('demo-1')).toEqual({ ok: true, value: 'demo-1' });
  });
});
