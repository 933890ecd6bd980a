import { expect } from 'vitest';
import { startTwo, type WithRig } from './fact-cases.ts';
import { address, AWS_A, observed, ONPREM_A } from './federation-rig.ts';

export function deliveryCases(withRig: WithRig): void {
  withRig('a fact is in the outbox, then sent, then read by those who are there', async (rig) => {
    const [onprem, aws] = await startTwo(rig, ONPREM_A, AWS_A);
    rig.cut(ONPREM_A);
    await rig.until(() => !onprem.federation.status().connected, 'the cut noticed');
    expect(onprem.federation.facts.record(observed(address(10), ONPREM_A)).ok).toBe(true);
    const states = (): readonly string[] => onprem.federation.deliveries().map(({ state }) => state);
    expect(states()).toEqual(['outbox']);
    rig.heal(ONPREM_A);
    await rig.until(() => states()[0] === 'sent', 'the fact sent');
    await rig.until(() => onprem.federation.deliveries()[0]?.read.includes(AWS_A) === true, 'the fact read');
    // Nodes that never came have read nothing.
    expect(onprem.federation.deliveries()[0]).toMatchObject({ read: [AWS_A], fact: { address: address(10) } });
    expect(onprem.federation.deliveries()[0]?.unread).toHaveLength(3);
    expect(aws.federation.deliveries()).toEqual([]);
  });

  withRig('a peer that is there is not behind, and its clock is ours', async (rig) => {
    const [onprem] = await startTwo(rig, ONPREM_A, AWS_A);
    onprem.federation.facts.record(observed(address(10), ONPREM_A));
    const report = () => onprem.federation.peers().find(({ node }) => node === AWS_A);
    await rig.until(() => report()?.factsBehind === 0 && onprem.federation.deliveries()[0]?.state === 'sent', 'read');
    expect(report()).toMatchObject({ liveness: 'alive', capturesBehind: 0, differingPools: [] });
    expect(Math.abs(report()?.clockAheadMs ?? 1e9)).toBeLessThan(1000);
    const unheard = onprem.federation.peers().filter(({ node }) => node !== AWS_A);
    for (const peer of unheard) expect(peer).toMatchObject({ silentFor: undefined, factsBehind: undefined });
  });
}
