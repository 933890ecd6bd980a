/** The conformance kit against the executors of all clouds, each inside a router, with the emulators as the authors' test clouds. */
import type { CloudFault, ConformancePlan, Finding, TestCloud } from '@routerd/plugin-sdk/conformance';
import { runConformance } from '@routerd/plugin-sdk/conformance';
import { test } from 'vitest';
import type { FaultRequest } from '../../src/cloud/control-messages.ts';
import type { EmulatedCloud } from '../../src/topology.ts';
import { waitUntil } from '../../src/wait-until.ts';
import { openStage, pluginCommand, type ExecutorStage } from './executor-stage.ts';

/** What changes addresses at each cloud, as its emulator names operations. */
const WRITES: Readonly<Record<EmulatedCloud, readonly string[]>> = {
  aws: ['AssignPrivateIpAddresses'],
  azure: ['networkInterfaces.put'],
  oci: ['CreatePrivateIp', 'UpdatePrivateIp'],
  gcp: ['instances.updateNetworkInterface'],
};

/** Another machine's own address. */
const IMPOSSIBLE: Readonly<Record<EmulatedCloud, string>> = {
  aws: '10.77.60.11',
  azure: '10.77.60.12',
  oci: '10.77.60.13',
  gcp: '10.77.60.16',
};

const CARDS: Readonly<Record<CloudFault, Pick<FaultRequest, 'kind' | 'delayMs'>>> = {
  throttle: { kind: 'throttle' },
  'server-error': { kind: 'error-before' },
  'lost-reply': { kind: 'reset-after' },
  hang: { kind: 'hang' },
  slow: { kind: 'delay', delayMs: 2000 },
};

function planOf(cloud: EmulatedCloud, { nicA, nicB, rig }: ExecutorStage): ConformancePlan {
  const { argv, env } = pluginCommand(rig, cloud, 'a');
  return {
    executor: [...argv],
    env: { ...env },
    provider: cloud,
    nic: { nicRef: nicA.nicRef, target: nicA.target, node: `${cloud}-router-a` },
    otherNic: { nicRef: nicB.nicRef, target: nicB.target, node: `${cloud}-router-b` },
    addresses: ['10.77.60.110', '10.77.60.111', '10.77.60.112'],
    impossibleAddress: IMPOSSIBLE[cloud],
    storesEpoch: cloud === 'azure' || cloud === 'oci',
    switchesForwarding: true,
    secrets: [],
    timeoutSeconds: 60,
    hooks: { reset: ['unused'], state: ['unused'] },
  };
}

function testCloud(cloud: EmulatedCloud, stage: ExecutorStage): TestCloud {
  const { control } = stage.rig;
  return {
    async reset() {
      // What a process that was killed had asked for may still be under way, and belongs to the check that asked.
      const isQuiet = async (): Promise<true | undefined> =>
        (await control.journal()).every(({ outcome }) => outcome !== undefined) || undefined;
      await waitUntil('every request to have ended', isQuiet, { deadlineMs: 30_000 });
      await stage.reset();
    },
    async state() {
      const { nics } = await control.state();
      const entries = nics.map(({ nicId, controlPlane }) => {
        const { addresses, forwarding } = controlPlane;
        return [nicId, { addresses: addresses.slice(1), forwarding }] as const;
      });
      return { nics: Object.fromEntries(entries), mutations: (await stage.mutations()).length };
    },
    async inject(fault) {
      for (const operation of WRITES[cloud]) await control.layFault({ operation, count: 1, ...CARDS[fault] });
    },
  };
}

// Side by side: most of what a check takes is waiting for what is held up on purpose.
test.concurrent.for(['aws', 'azure', 'oci', 'gcp'] as const)(
  'the executor of %s passes every check',
  { timeout: 240_000 },
  async (cloud, { expect }) => {
    const stage = await openStage(cloud, { delays: { mutationDelayMs: 50 } });
    try {
      const plan = planOf(cloud, stage);
      const findings = await runConformance({ plan, cloud: testCloud(cloud, stage), folder: import.meta.dirname });
      const wanting = findings.filter(({ verdict }: Finding) => verdict !== 'passed');
      expect(wanting).toEqual([]);
      expect(findings.length).toBeGreaterThanOrEqual(26);
    } finally {
      await stage.close();
    }
  },
);
