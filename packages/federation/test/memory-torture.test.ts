import { describe, expect, it } from 'vitest';
import { AWS_A, AWS_B, OCI_A, ONPREM_A } from '../src/contract/federation-rig.ts';
import { openMemoryRig } from './memory-rig.ts';
import { contend, drawWith, expectOneHistory } from './registry-torture.ts';

const SEEDS = Array.from({ length: 6 }, (_, index) => index + 1);
const FAULTS = 25;

describe('a registry under faults', () => {
  for (const seed of SEEDS) {
    it(`has one history (seed ${seed})`, async () => {
      const rig = await openMemoryRig();
      const draw = drawWith(seed);
      const names = [AWS_A, AWS_B, ONPREM_A] as const;
      const nodes = names.map((name) => rig.node(name));
      try {
        for (const { federation } of nodes) await federation.start();
        const end = new AbortController();
        const contending = nodes.map(async (node, index) => contend(node, drawWith(seed * 100 + index), end.signal));
        for (let fault = 0; fault < FAULTS; fault++) {
          const node = names[draw(names.length)] ?? AWS_A;
          const faults = [
            () => rig.cut(node),
            () => rig.heal(node),
            () => rig.stall(),
            () => rig.resume(),
            () => rig.heal(node),
          ];
          faults[draw(faults.length)]?.();
          let turns = 1 + draw(8);
          await rig.until(() => turns-- <= 0, 'some time');
        }
        rig.resume();
        for (const name of names) rig.heal(name);
        let turns = 300;
        await rig.until(() => turns-- <= 0, 'calm');
        end.abort();
        const won = (await Promise.all(contending)).flat();
        expect(won.length).toBeGreaterThan(20);
        await expectOneHistory(rig, nodes, won, rig.node(OCI_A));
      } finally {
        await rig.close();
      }
    });
  }
});
