import type { Order } from '@routerd/mobility';
import { expect } from 'vitest';
import { startTwo, type WithRig } from './fact-cases.ts';
import {
  address,
  AWS_A,
  AWS_B,
  observed,
  OCI_A,
  ONPREM_A,
  RIG_POOL,
  RIG_SITES,
  transition,
  type RigNode,
} from './federation-rig.ts';

const BY = { who: 'an operator', why: 'maintenance' };

export function orderCases(withRig: WithRig): void {
  withRig('an order given at one node stands at all, with who gave it and why', async (rig) => {
    const [onprem, aws] = await startTwo(rig, ONPREM_A, AWS_A);
    const told: unknown[] = [];
    aws.federation.orders.onChange((subjects) => told.push(...subjects));
    const drain: Order = { verb: 'drain', node: AWS_A };
    expect(await append(onprem, drain)).toMatchObject({ kind: 'won', order: { version: 1, writer: ONPREM_A, ...BY } });
    await rig.until(() => standing(aws, `node/${AWS_A}`) !== undefined, 'the order');
    expect(told).toEqual([`node/${AWS_A}`]);
    expect(await append(aws, { verb: 'undrain', node: AWS_A })).toMatchObject({ kind: 'won', order: { version: 2 } });
    await rig.until(() => standing(onprem, `node/${AWS_A}`)?.order.verb === 'undrain', 'its undoing');
  });

  withRig('of orders given at once one wins, and all nodes agree which', async (rig) => {
    const [onprem, aws] = await startTwo(rig, ONPREM_A, AWS_A);
    const site = RIG_SITES.get(OCI_A) ?? RIG_SITES.get(AWS_A)!;
    const subject = { pool: RIG_POOL, address: address(10) };
    const outcomes = await Promise.all([
      append(onprem, { verb: 'freeze', ...subject, site }),
      append(aws, { verb: 'release', ...subject }),
    ]);
    const won = outcomes.filter(({ kind }) => kind === 'won');
    expect(won.length).toBeGreaterThan(0);
    const about = `address/${RIG_POOL}/${address(10)}`;
    const claims = (): readonly unknown[] => [onprem, aws].map((node) => standing(node, about)?.claim);
    await rig.until(() => new Set(claims()).size === 1 && claims()[0] !== undefined, 'agreement');
  });

  withRig('a newcomer reads what stands, beside the capture records', async (rig) => {
    const [onprem] = await startTwo(rig, ONPREM_A, AWS_A);
    await append(onprem, { verb: 'drain', node: AWS_A });
    await onprem.federation.registry.append(
      [transition(address(10), ONPREM_A, undefined)],
      new AbortController().signal,
    );
    await append(onprem, { verb: 'drain', node: AWS_B });
    const newcomer = rig.node(OCI_A);
    await newcomer.federation.start();
    await rig.until(() => newcomer.federation.status().registryCaughtUp, 'the log read');
    expect([...newcomer.federation.orders.orders().keys()].toSorted()).toEqual([`node/${AWS_A}`, `node/${AWS_B}`]);
    expect(newcomer.federation.registry.records().size).toBe(1);
    expect(newcomer.federation.status().refused).toEqual({});
    expect(newcomer.federation.facts.record(observed(address(11), OCI_A)).ok).toBe(true);
  });

  withRig('without a hub an order is not given', async (rig) => {
    const node = rig.node(ONPREM_A);
    const outcome = append(node, { verb: 'drain', node: AWS_A });
    await rig.until(() => true, 'a first look');
    expect(await outcome).toMatchObject({ kind: 'unreachable' });
  });

  withRig('an order in the name of another is refused', async (rig) => {
    const [onprem, aws] = await startTwo(rig, ONPREM_A, AWS_A);
    await append(onprem, { verb: 'drain', node: AWS_B });
    const forged = { version: 9, subject: `node/${AWS_B}`, order: { verb: 'undrain', node: AWS_B }, writer: ONPREM_A };
    const text = JSON.stringify({ ...forged, ...BY, when: '2026-11-21T07:00:00.123Z', claim: 'forged' });
    const token = Buffer.from(`node/${AWS_B}`).toString('base64url');
    await rig.publishAs(AWS_B, 'captures', { subject: `sam.v1.rig.capture.${AWS_B}.orders.${token}`, id: 'f', text });
    await rig.until(() => (aws.federation.status().refused['order.wrong-subject'] ?? 0) > 0, 'the refusal');
    expect(standing(aws, `node/${AWS_B}`)?.order.verb).toBe('drain');
  });
}

async function append(node: RigNode, order: Order): ReturnType<RigNode['federation']['orders']['append']> {
  return node.federation.orders.append(order, BY, new AbortController().signal);
}

function standing(node: RigNode, about: string) {
  return [...node.federation.orders.orders()].find(([subject]) => subject === about)?.[1];
}
