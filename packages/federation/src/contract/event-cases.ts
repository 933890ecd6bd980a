import { durationMs, type Result } from '@routerd/resources';
import { expect } from 'vitest';
import type { EventDraft, GroupEvent } from '../event.ts';
import { startTwo, type WithRig } from './fact-cases.ts';
import { AWS_A, AWS_B, OCI_A, ONPREM_A, type RigNode } from './federation-rig.ts';

export function eventCases(withRig: WithRig): void {
  withRig('an event of any type reaches every node once, with all that it says', async (rig) => {
    const [onprem, aws] = await startTwo(rig, ONPREM_A, AWS_A);
    const [own, others] = [collect(onprem), collect(aws)];
    const sent = valueOf(emit(onprem, 'backup/1', { dedupeKey: 'nightly' }));
    expect(own).toEqual([sent]);
    await rig.until(() => others.length === 1, 'the event');
    const { acceptedAt: _, expiresAt, ...said } = others[0] ?? sent;
    expect(said).toMatchObject({ id: sent.id, sourceNode: ONPREM_A, dedupeKey: 'nightly', payload: { size: '12' } });
    expect(expiresAt).toBeGreaterThan(sent.observedAt);
    emit(aws, 'backup/2');
    await rig.until(() => own.length === 2, 'the answer');
    expect(others).toHaveLength(2);
  });

  withRig('a newcomer and a node that was away are told what they missed, in order', async (rig) => {
    const [onprem, aws] = await startTwo(rig, ONPREM_A, AWS_A);
    const told = collect(aws);
    emit(onprem, 'backup/1');
    await rig.until(() => told.length === 1, 'the first event');
    rig.cut(AWS_A);
    await rig.until(() => !aws.federation.status().connected, 'the cut noticed');
    for (const number of [2, 3, 4]) emit(onprem, `backup/${number}`);
    rig.heal(AWS_A);
    await rig.until(() => told.length === 4, 'what was missed');
    const newcomer = rig.node(OCI_A);
    await newcomer.federation.start();
    await rig.until(() => newcomer.federation.events.events().length === 4, 'the history');
    const subjects = ['backup/1', 'backup/2', 'backup/3', 'backup/4'];
    expect(told.map(({ subject }) => subject)).toEqual(subjects);
    expect(newcomer.federation.events.events().map(({ subject }) => subject)).toEqual(subjects);
  });

  withRig('events are told once, also over a restart, and sent later by a node that had no hub', async (rig) => {
    const before = rig.node(ONPREM_A);
    emit(before, 'backup/1');
    await before.federation.stop();
    const after = rig.node(ONPREM_A, before);
    const again = collect(after);
    expect(after.federation.events.events()).toHaveLength(1);
    await after.federation.start();
    const aws = rig.node(AWS_A);
    await aws.federation.start();
    await rig.until(() => aws.federation.events.events().length === 1, 'the event');
    emit(after, 'backup/2');
    await rig.until(() => aws.federation.events.events().length === 2, 'the next');
    expect(again.map(({ subject }) => subject)).toEqual(['backup/2']);
  });

  withRig('events can be asked for by type, subject prefix and source', async (rig) => {
    const [onprem, aws] = await startTwo(rig, ONPREM_A, AWS_A);
    emit(onprem, 'backup/1');
    emit(onprem, 'restore/1', { type: 'com.example.restore.finished' });
    emit(aws, 'backup/2');
    await rig.until(() => aws.federation.events.events().length === 3, 'all events');
    const ask = (filter: Parameters<typeof aws.federation.events.events>[0]): readonly string[] =>
      aws.federation.events
        .events(filter)
        .map(({ subject }) => subject)
        .toSorted((a, b) => (a < b ? -1 : 1));
    expect(ask({ types: ['com.example.restore.finished'] })).toEqual(['restore/1']);
    expect(ask({ subjectPrefixes: ['backup/', 'nothing'] })).toEqual(['backup/1', 'backup/2']);
    expect(ask({ subjectPrefixes: ['backup/'], sourceNodes: [AWS_A] })).toEqual(['backup/2']);
  });

  withRig('what is no event, or speaks of addresses as facts do, is not sent', async (rig) => {
    const node = rig.node(ONPREM_A);
    expect(emit(node, 'x', { type: 'routerd.client.ipv4.observed' })).toMatchObject({
      error: { code: 'event.reserved-type' },
    });
    expect(emit(node, 'x', { type: 'Not A Type' })).toMatchObject({ error: { code: 'event.malformed' } });
    expect(emit(node, 'x', { payload: { large: 'x'.repeat(9000) } })).toMatchObject({
      error: { code: 'event.malformed' },
    });
    expect(node.federation.events.events()).toEqual([]);
    await Promise.resolve();
  });

  withRig('an event that its source did not sign is refused and counted', async (rig) => {
    const [, aws] = await startTwo(rig, ONPREM_A, AWS_A);
    const text = JSON.stringify({ specversion: '1.0', source: ONPREM_A });
    await rig.publishAs(AWS_B, 'events', { subject: `sam.v1.rig.events.${AWS_B}.com.example.x`, id: 'x', text });
    await rig.until(() => (aws.federation.status().refused['event.malformed'] ?? 0) > 0, 'the refusal');
    expect(aws.federation.events.events()).toEqual([]);
  });
}

function emit(
  node: RigNode,
  subject: string,
  changes: Partial<EventDraft> = {},
): ReturnType<RigNode['federation']['events']['emit']> {
  const draft = { type: 'com.example.backup.finished', subject, payload: { size: '12' }, ttl: durationMs(60_000) };
  return node.federation.events.emit({ ...draft, ...changes });
}

function collect({ federation }: RigNode): GroupEvent[] {
  const told: GroupEvent[] = [];
  federation.events.onEvents((events) => told.push(...events));
  return told;
}

function valueOf<T>(result: Result<T, unknown>): T {
  if (!result.ok) throw new Error(JSON.stringify(result.error));
  return result.value;
}
