import { expect } from 'vitest';
import type { CaptureEpoch, CaptureRecord, CaptureTransition } from '@routerd/mobility';
import type { HostAddress } from '@routerd/resources';
import type { AppendOutcome } from '../ports.ts';
import { captureSubject } from '../subjects.ts';
import { encodeCapture } from '../wire/capture-wire.ts';
import { startAll, startTwo, type WithRig } from './fact-cases.ts';
import { address, AWS_A, AWS_B, keyOf, OCI_A, RIG_GROUP, transition, type RigNode } from './federation-rig.ts';

export function registryCases(withRig: WithRig): void {
  orderCases(withRig);
  outageCases(withRig);
  trustCases(withRig);
}

function orderCases(withRig: WithRig): void {
  withRig('a first record wins and is seen by all', async (rig) => {
    const [a, b] = await startTwo(rig, AWS_A, AWS_B);
    const won = await append(a, transition(address(10), AWS_A, undefined));
    expect(won).toMatchObject({ kind: 'won', record: { revision: 1, epoch: 1, holder: AWS_A, writer: AWS_A } });
    await rig.until(() => standing(b, address(10)) !== undefined, 'the record at the other node');
    expect(standing(b, address(10))).toEqual(standing(a, address(10)));
  });

  withRig('of two that write one revision exactly one wins, and the other is told what stands', async (rig) => {
    const nodes = await startAll(rig, [AWS_A, AWS_B, OCI_A]);
    const addresses = [10, 11, 12, 13, 14, 15].map(address);
    const wishes = (node: RigNode): CaptureTransition[] => addresses.map((of) => transition(of, node.name, undefined));
    const outcomes = await Promise.all(
      nodes.map(async (node) => node.federation.registry.append(wishes(node), new AbortController().signal)),
    );
    for (const [index, of] of addresses.entries()) {
      const ofOne = outcomes.map((list) => list[index]);
      const winners = ofOne.flatMap((outcome) => (outcome?.kind === 'won' ? [outcome.record] : []));
      const losers = ofOne.flatMap((outcome) => (outcome?.kind === 'lost' ? [outcome.current] : []));
      expect(winners).toHaveLength(1);
      expect(losers).toEqual([winners[0], winners[0]]);
      await rig.until(() => nodes.every((node) => standing(node, of)?.claim === winners[0]?.claim), 'agreement');
    }
  });

  withRig('a holder confirms by writing, and the tenure goes on', async (rig) => {
    const [a] = await startTwo(rig, AWS_A, AWS_B);
    const first = wonRecord(await append(a, transition(address(10), AWS_A, undefined)));
    const confirmed = wonRecord(await append(a, transition(address(10), AWS_A, first)));
    expect(confirmed).toMatchObject({ revision: 2, epoch: 1, phase: 'confirmed', since: first.since });
  });

  withRig('a confirmation loses once another has seized, and the epoch has grown', async (rig) => {
    const [a, b] = await startTwo(rig, AWS_A, AWS_B);
    const first = wonRecord(await append(a, transition(address(10), AWS_A, undefined)));
    await rig.until(() => standing(b, address(10)) !== undefined, 'the record at the other node');
    const seized = wonRecord(await append(b, transition(address(10), AWS_B, first)));
    expect(seized).toMatchObject({ revision: 2, epoch: 2, holder: AWS_B, previous: AWS_A });
    const late = await append(a, transition(address(10), AWS_A, first));
    expect(late).toMatchObject({ kind: 'lost', current: { claim: seized.claim } });
    await rig.until(() => a.highWaterStore.all().get(keyOf(address(10))) === 2, 'the epoch remembered');
  });

  withRig('a change of holder without a higher epoch is refused before it is written', async (rig) => {
    const [a, b] = await startTwo(rig, AWS_A, AWS_B);
    const first = wonRecord(await append(a, transition(address(10), AWS_A, undefined)));
    await rig.until(() => standing(b, address(10)) !== undefined, 'the record at the other node');
    const wrong = await append(b, transition(address(10), AWS_B, first, { epoch: first.epoch }));
    expect(wrong).toMatchObject({ kind: 'lost', current: { claim: first.claim }, because: /higher epoch/ });
  });

  withRig('two appends of one node to one key take turns', async (rig) => {
    const [a] = await startTwo(rig, AWS_A, AWS_B);
    const wish = transition(address(10), AWS_A, undefined);
    const outcomes = await a.federation.registry.append([wish, wish], new AbortController().signal);
    expect(outcomes.map(({ kind }) => kind)).toEqual(['won', 'lost']);
  });

  withRig('a newcomer reads what stands, whatever compaction has dropped', async (rig) => {
    const [a, b] = await startTwo(rig, AWS_A, AWS_B);
    let current = wonRecord(await append(a, transition(address(10), AWS_A, undefined)));
    // A losing claim with a higher epoch stays in the log when the records that beat it are long gone.
    await rig.until(() => standing(b, address(10))?.claim === current.claim, 'the record at the other node');
    const [mine, theirs] = await Promise.all([
      append(a, transition(address(10), AWS_A, current)),
      append(b, transition(address(10), AWS_B, current)),
    ]);
    current = wonRecord([mine, theirs].find(({ kind }) => kind === 'won'));
    const holder = current.holder === AWS_A ? a : b;
    for (let count = 0; count < 20; count++) {
      current = wonRecord(await append(holder, transition(address(10), holder.name, current)));
    }
    const newcomer = rig.node(OCI_A);
    await newcomer.federation.start();
    await rig.until(() => newcomer.federation.status().registryCaughtUp, 'the newcomer caught up');
    expect(standing(newcomer, address(10))).toEqual(current);
    expect(newcomer.highWaterStore.all().get(keyOf(address(10)))).toBe(current.epoch);
  });
}

function outageCases(withRig: WithRig): void {
  withRig('a node that is cut off gets no answer, and none of its wish comes true later', async (rig) => {
    const [a, b] = await startTwo(rig, AWS_A, AWS_B);
    rig.cut(AWS_A);
    await rig.until(() => !a.federation.status().connected, 'the cut noticed');
    let outcome: AppendOutcome | undefined;
    void append(a, transition(address(10), AWS_A, undefined)).then((answer) => (outcome = answer));
    await rig.until(() => outcome !== undefined, 'the deadline');
    expect(outcome).toMatchObject({ kind: 'unreachable' });
    const won = await append(b, transition(address(10), AWS_B, undefined));
    rig.heal(AWS_A);
    await rig.until(() => standing(a, address(10)) !== undefined, 'the record of the other');
    expect(standing(a, address(10))).toEqual(wonRecord(won));
  });

  withRig('after a silence of the hub a writer learns whether its record took effect', async (rig) => {
    const [a, b] = await startTwo(rig, AWS_A, AWS_B);
    rig.stall();
    let outcome: AppendOutcome | undefined;
    void append(a, transition(address(10), AWS_A, undefined)).then((answer) => (outcome = answer));
    await rig.until(() => outcome !== undefined, 'the deadline');
    expect(outcome).toMatchObject({ kind: 'unreachable' });
    rig.resume();
    await rig.until(
      () => standing(a, address(10)) !== undefined && standing(b, address(10)) !== undefined,
      'the record',
    );
    const again = await append(a, transition(address(10), AWS_A, undefined));
    expect(again).toMatchObject({ kind: 'lost', current: { writer: AWS_A, revision: 1 } });
    expect(await append(a, transition(address(10), AWS_A, standing(a, address(10))))).toMatchObject({ kind: 'won' });
  });

  withRig('cancelled, an append is unreachable', async (rig) => {
    const [a] = await startTwo(rig, AWS_A, AWS_B);
    const outcomes = await a.federation.registry.append(
      [transition(address(10), AWS_A, undefined)],
      AbortSignal.abort(),
    );
    expect(outcomes).toMatchObject([{ kind: 'unreachable' }]);
  });
}

function trustCases(withRig: WithRig): void {
  withRig('a record in the name of another writer is refused', async (rig) => {
    const [a, b] = await startTwo(rig, AWS_A, AWS_B);
    const first = wonRecord(await append(a, transition(address(10), AWS_A, undefined)));
    await rig.until(() => standing(b, address(10)) !== undefined, 'the record at the other node');
    const forged: CaptureRecord = { ...first, revision: (first.revision + 1) as CaptureRecord['revision'] };
    const subject = captureSubject(RIG_GROUP, AWS_B, first.key);
    await rig.publishAs(AWS_B, 'captures', { subject, id: 'forged', text: encodeCapture(forged) });
    await rig.until(() => a.federation.status().refused['capture.wrong-writer'] === 1, 'the refusal');
    expect(standing(a, address(10))).toEqual(first);
  });

  withRig('an epoch below one seen before is reported and not built upon', async (rig) => {
    const disk = rig.node(AWS_A);
    disk.highWaterStore.raise([{ key: keyOf(address(10)), epoch: 7 as CaptureEpoch }]);
    const a = rig.node(AWS_A, disk);
    await a.federation.start();
    const [b] = await startAll(rig, [AWS_B]);
    const low = wonRecord(b === undefined ? undefined : await append(b, transition(address(10), AWS_B, undefined)));
    await rig.until(() => standing(a, address(10))?.claim === low.claim, 'the low record');
    expect(a.federation.status().refused['capture.regressed']).toBeGreaterThanOrEqual(1);
    expect(a.federation.status().lastError).toMatch(/capture\.regressed/);
    const next = transition(address(10), AWS_A, low);
    expect(await append(a, next)).toMatchObject({ kind: 'lost', because: /high-water mark 7/ });
    const overtaken = await append(a, { ...next, epoch: 8 as CaptureEpoch });
    expect(overtaken).toMatchObject({ kind: 'won', record: { epoch: 8, holder: AWS_A } });
  });
}

export async function append(node: RigNode, wish: CaptureTransition): Promise<AppendOutcome> {
  const [outcome] = await node.federation.registry.append([wish], new AbortController().signal);
  return outcome ?? expect.fail('no outcome');
}

export function wonRecord(outcome: AppendOutcome | undefined): CaptureRecord {
  return outcome?.kind === 'won' ? outcome.record : expect.fail(`not won: ${JSON.stringify(outcome)}`);
}

export function standing(node: RigNode, of: HostAddress): CaptureRecord | undefined {
  return node.federation.registry.records().get(keyOf(of));
}
