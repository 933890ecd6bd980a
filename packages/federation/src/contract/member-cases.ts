import type { NodeName } from '@routerd/resources';
import { expect } from 'vitest';
import { startAll, startTwo, type WithRig } from './fact-cases.ts';
import {
  address,
  AWS_A,
  AWS_B,
  observed,
  OCI_A,
  ONPREM_A,
  ONPREM_B,
  transition,
  type RigNode,
} from './federation-rig.ts';
import { append } from './registry-cases.ts';

export function memberCases(withRig: WithRig): void {
  withRig('every configured member is known from the start, unheard until it speaks', async (rig) => {
    const node = rig.node(AWS_A);
    expect(Object.fromEntries(node.federation.members.members())).toEqual({
      [AWS_A]: 'alive',
      [AWS_B]: 'unheard',
      [OCI_A]: 'unheard',
      [ONPREM_A]: 'unheard',
      [ONPREM_B]: 'unheard',
    });
    await Promise.resolve();
  });

  withRig('a newcomer hears everybody, and everybody hears it', async (rig) => {
    const nodes = await startAll(rig, [AWS_A, OCI_A]);
    const newcomer = rig.node(ONPREM_A);
    let changes = 0;
    newcomer.federation.members.onChange(() => (changes += 1));
    await newcomer.federation.start();
    await rig.until(() => isAlive(newcomer, AWS_A) && isAlive(newcomer, OCI_A), 'the others heard');
    await rig.until(() => nodes.every((node) => isAlive(node, ONPREM_A)), 'the newcomer heard');
    expect(changes).toBe(2);
  });

  withRig('a node that is told of another hears it, and reads what it has said before', async (rig) => {
    const [aws, oci] = await startTwo(rig, AWS_A, OCI_A);
    await rig.until(() => isAlive(aws, OCI_A) && isAlive(oci, AWS_A), 'both heard');
    const others = (...gone: readonly NodeName[]): ReadonlyMap<NodeName, string> =>
      new Map(
        [...rig.identities]
          .filter(([name]) => name !== OCI_A && !gone.includes(name))
          .map(([name, { publicKey }]) => [name, publicKey]),
      );
    expect(oci.federation.reconfigure({ peers: others(AWS_A) }).ok).toBe(true);
    expect(liveness(oci, AWS_A)).toBe('not a member');
    expect(aws.federation.facts.record(observed(address(10), AWS_A)).ok).toBe(true);
    await rig.until(() => (oci.federation.status().refused['fact.unknown-source'] ?? 0) > 0, 'the refusal');
    expect(oci.federation.reconfigure({ peers: others() }).ok).toBe(true);
    await rig.until(() => oci.federation.facts.accepted().length === 1, 'the fact from the log');
    await rig.until(() => isAlive(oci, AWS_A), 'the newcomer heard');
    expect(oci.federation.status().connected).toBe(true);
  });

  withRig('a key that is none changes no membership', async (rig) => {
    const [, oci] = await startTwo(rig, AWS_A, OCI_A);
    await rig.until(() => isAlive(oci, AWS_A), 'heard');
    expect(oci.federation.reconfigure({ peers: new Map([[AWS_B, 'Unone']]) })).toMatchObject({
      ok: false,
      error: { code: 'identity.key-malformed' },
    });
    expect(liveness(oci, AWS_A)).toBe('alive');
  });

  withRig('a silent member becomes suspect, then dead, and alive when it is heard again', async (rig) => {
    const [watcher, other] = await startTwo(rig, AWS_A, AWS_B);
    await rig.until(() => isAlive(watcher, AWS_B) && isAlive(other, AWS_A), 'both heard');
    const seen: string[] = [];
    watcher.federation.members.onChange(() => {
      seen.push(liveness(watcher, AWS_B));
    });
    rig.cut(AWS_B);
    await rig.until(() => liveness(watcher, AWS_B) === 'dead', 'the death');
    // Cut off, it judges nobody.
    expect(liveness(other, AWS_A)).toBe('alive');
    rig.heal(AWS_B);
    await rig.until(() => isAlive(watcher, AWS_B), 'the return');
    expect(seen).toEqual(['suspect', 'dead', 'alive']);
    expect(liveness(other, AWS_A)).toBe('alive');
  });

  withRig('a hub that stands still is not the death of its members', async (rig) => {
    const nodes = await startAll(rig, [AWS_A, AWS_B, OCI_A]);
    const [a] = nodes;
    if (a === undefined) throw new Error('a node was asked for');
    const everybodyAlive = (): boolean =>
      nodes.every((node) => nodes.every(({ name }) => liveness(node, name) === 'alive'));
    await rig.until(everybodyAlive, 'all heard');
    let deaths = 0;
    for (const node of nodes) {
      node.federation.members.onChange(() => {
        if ([...node.federation.members.members().values()].includes('dead')) deaths += 1;
      });
    }
    rig.stall();
    // The deadline of an append is longer than it takes to be dead.
    let isAnswered = false;
    void append(a, transition(address(10), AWS_A, undefined)).then(() => (isAnswered = true));
    await rig.until(() => isAnswered, 'the deadline');
    rig.resume();
    await rig.until(everybodyAlive, 'all alive');
    expect(deaths).toBe(0);
  });
}

function liveness(node: RigNode, of: RigNode['name']): string {
  return node.federation.members.members().get(of) ?? 'not a member';
}

function isAlive(node: RigNode, of: RigNode['name']): boolean {
  return liveness(node, of) === 'alive';
}
