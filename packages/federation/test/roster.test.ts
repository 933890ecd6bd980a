/** The operator's list of members: what is believed, and what is not. */
import type { NodeName } from '@routerd/resources';
import { RecordingLog, systemClock } from '@routerd/runtime';
import { describe, expect, it } from 'vitest';
import { generateNodeIdentity, readRoster, signerOf, signRoster, verifierOf, type Roster } from '../src/index.ts';
import { RosterReader } from '../src/roster-reader.ts';
import { Refusals } from '../src/refusals.ts';
import { RIG_GROUP } from '../src/contract/federation-rig.ts';
import { valueOf } from './value-of.ts';

const operator = generateNodeIdentity();
const { sign } = valueOf(signerOf(operator.seed));
const verify = valueOf(verifierOf(operator.publicKey));
const node = (name: string): NodeName => name as NodeName;

function rosterOf(serial: number, changes: Partial<Roster> = {}): Roster {
  return {
    group: RIG_GROUP,
    serial,
    hubs: new Map([[node('hub-1'), { address: '192.0.2.1', port: 4222 }]]),
    nodes: new Map([
      [node('hub-1'), { publicKey: 'UA' }],
      [node('aws-a'), { publicKey: 'UB', nextPublicKey: 'UC' }],
    ]),
    ...changes,
  };
}

describe('a signed list of members', () => {
  it('says what was signed', () => {
    const roster = rosterOf(3);
    expect(valueOf(readRoster(signRoster(roster, sign), verify, RIG_GROUP))).toEqual(roster);
  });

  it('is refused when any part of it was changed, or somebody else signed it', () => {
    const text = signRoster(rosterOf(3), sign);
    const [prefix, signature, body = ''] = text.split('.');
    const other = valueOf(signerOf(generateNodeIdentity().seed));
    for (const forged of [`${prefix}.${signature}.${body.slice(0, -2)}AA`, signRoster(rosterOf(3), other.sign)]) {
      expect(readRoster(forged, verify, RIG_GROUP)).toMatchObject({ error: { code: 'roster.bad-signature' } });
    }
    expect(readRoster('anything', verify, RIG_GROUP)).toMatchObject({ error: { code: 'roster.malformed' } });
    expect(readRoster(text, verify, 'other')).toMatchObject({ error: { code: 'roster.wrong-group' } });
  });

  it('is told once, and an older one never, however often it is read', () => {
    const log = new RecordingLog();
    const refusals = new Refusals(systemClock, log);
    const reader = new RosterReader({ group: RIG_GROUP, verify, log, refusals });
    const told: number[] = [];
    reader.onRoster(({ roster }) => told.push(roster.serial));
    const message = (text: string) => ({ sequence: 1, subject: 'any', data: new TextEncoder().encode(text) });
    for (const serial of [2, 2, 1, 3]) reader.received([message(signRoster(rosterOf(serial), sign))]);
    reader.received([message('routerd-roster1.AA.AA')]);
    expect(told).toEqual([2, 3]);
    expect(refusals.counts()['roster.bad-signature']).toBe(1);
  });
});
