/** Nodes that contend for capture keys while the network misbehaves, and what must hold whatever happened. */
import { foldCapture, type CaptureEpoch, type CaptureRecord } from '@routerd/mobility';
import type { HostAddress } from '@routerd/resources';
import { expect } from 'vitest';
import { address, keyOf, transition, type FederationRig, type RigNode } from '../src/contract/federation-rig.ts';

export const TORTURED: readonly HostAddress[] = [10, 11, 12].map(address);

/** A small generator (mulberry32), so that a seed names a run. */
export function drawWith(seed: number): (below: number) => number {
  let state = seed >>> 0;
  return (below) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
  };
}

/** Seizes, confirms and vacates, on whatever the node believes to stand, until told to end. @returns every record it won */
export async function contend(
  node: RigNode,
  draw: (below: number) => number,
  end: AbortSignal,
): Promise<CaptureRecord[]> {
  const won: CaptureRecord[] = [];
  while (!end.aborted) {
    const of = TORTURED[draw(TORTURED.length)] ?? address(10);
    const current = node.federation.registry.records().get(keyOf(of));
    const epoch = (Math.max(current?.epoch ?? 0, node.highWaterStore.all().get(keyOf(of)) ?? 0) + 1) as CaptureEpoch;
    const isHolder = current?.holder === node.name;
    const vacates = isHolder && draw(3) === 0;
    const wish = transition(of, node.name, current, {
      ...(isHolder && !vacates ? {} : { epoch }),
      ...(vacates ? { holder: undefined, phase: 'vacant', previous: node.name } : {}),
    });
    const [outcome] = await node.federation.registry.append([wish], end);
    if (outcome?.kind === 'won') won.push(outcome.record);
    // Where a network delivers in microtasks, nothing else would ever run.
    await new Promise((resolve) => {
      setImmediate(resolve);
    });
  }
  return won;
}

/**
 * 1. No revision of a key was won twice, and no epoch by two holders.
 * 2. What was won in sequence obeys the fold.
 * 3. All nodes, and one that only comes now, agree on what stands, and nothing that was won comes after it.
 */
export async function expectOneHistory(
  rig: FederationRig,
  nodes: readonly RigNode[],
  won: readonly CaptureRecord[],
  newcomer: RigNode,
): Promise<void> {
  await newcomer.federation.start();
  const all = [...nodes, newcomer];
  await rig.until(() => all.every(({ federation }) => federation.status().connected), 'all connected');
  const standing = (node: RigNode): readonly unknown[] =>
    TORTURED.map((of) => node.federation.registry.records().get(keyOf(of))?.claim);
  await rig.until(() => new Set(all.map((node) => JSON.stringify(standing(node)))).size === 1, 'agreement');
  for (const of of TORTURED) {
    const ofKey = won.filter(({ key }) => key === keyOf(of)).toSorted((a, b) => a.revision - b.revision);
    expect(new Set(ofKey.map(({ revision }) => revision)).size).toBe(ofKey.length);
    const holders = new Map<number, string>();
    for (const { epoch, holder = 'nobody' } of ofKey) {
      expect(holders.get(epoch) ?? holder).toBe(holder);
      holders.set(epoch, holder);
    }
    for (const [index, next] of ofKey.entries()) {
      const before = ofKey[index - 1];
      // Between two wins there may be one whose writer never learnt of it.
      if (before?.revision === next.revision - 1) expect(foldCapture(before, next).kind).toBe('accepted');
    }
    const stands = newcomer.federation.registry.records().get(keyOf(of));
    expect(stands?.revision ?? 0).toBeGreaterThanOrEqual(ofKey.at(-1)?.revision ?? 0);
  }
}
