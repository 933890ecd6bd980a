/**
 * With exactly what the example's IAM document allows every verb passes at the emulator, and of what the verbs need each permission that is
 * taken away is named by a preflight, where the vendor can tell. What a verb does without is in the document for inventories.
 */
import type { PluginExecutor } from '@routerd/plugin-host';
import { VERBS } from '@routerd/plugin-sdk';
import { expect, test } from 'vitest';
import { permissionsOfDocument } from '../../src/iam-documents.ts';
import { request, statuses, type ExecutorStage } from './executor-stage.ts';

const HELD = '10.77.60.140';
const SEIZED = '10.77.60.141';

export interface ExactPermissions {
  readonly stage: () => ExecutorStage;
  /** Permissions that a preflight tells of; the others cannot be told without making a change. */
  readonly told: readonly string[];
  /** Permissions without which some verb fails, and of which no preflight can tell. */
  readonly untold: readonly string[];
}

export function exactPermissionsTest({ stage, told, untold }: ExactPermissions): void {
  test('with exactly the permissions of the IAM document every verb passes, and a preflight finds nothing missing', async () => {
    await stage().reset();
    const { cloud } = stage().rig.config;
    const { control } = stage().rig;
    await control.setKnobs({ permissions: [...permissionsOfDocument(cloud)] });
    const executor = stage().open('a');
    expect(await missing(executor, stage())).toEqual([]);
    expect(await everyVerb(executor, stage())).toEqual(Array.from({ length: 5 }, () => 'succeeded'));
    await executor.stop();
  });

  test('each permission that is missing is named by a preflight', async () => {
    await stage().reset();
    const { control, config } = stage().rig;
    const document = permissionsOfDocument(config.cloud);
    const executor = stage().open('a');
    for (const permission of told) {
      await control.setKnobs({ permissions: document.filter((each) => each !== permission) });
      expect([permission, await missing(executor, stage())]).toEqual([permission, [permission]]);
    }
    await executor.stop();
  });

  if (untold.length === 0) return; // this vendor tells of all
  test('of what no preflight can tell each is needed', async () => {
    const { control, config } = stage().rig;
    const document = permissionsOfDocument(config.cloud);
    const executor = stage().open('a');
    for (const permission of untold) {
      await stage().reset();
      await control.setKnobs({ permissions: document.filter((each) => each !== permission) });
      const outcomes = await everyVerb(executor, stage());
      expect([permission, outcomes.every((outcome) => outcome === 'succeeded')]).toEqual([permission, false]);
    }
    await executor.stop();
  });
}

async function missing(executor: PluginExecutor, stage: ExecutorStage): Promise<readonly string[]> {
  const report = await executor.preflight(stage.nicA, VERBS, new AbortController().signal);
  if (!report.ok) throw new Error(report.error.detail);
  const failed = report.value.findings.filter(({ verdict }) => verdict === 'failed');
  return [...new Set(failed.map(({ permission = '' }) => permission))];
}

/** Each verb, and a seizure: what it came to. */
async function everyVerb(executor: PluginExecutor, stage: ExecutorStage): Promise<readonly string[]> {
  const { nicA, rig } = stage;
  const other = `${rig.config.cloud}-router-b`;
  await rig.control.changeAddresses(other, { assign: [SEIZED] });
  const asked = [
    request('ensure-forwarding-enabled', nicA, [HELD]),
    request('assign-secondary-ip', nicA, [HELD]),
    request('assign-secondary-ip', nicA, [SEIZED], { epoch: 2, seizeFrom: other }),
    request('unassign-secondary-ip', nicA, [HELD]),
    request('ensure-forwarding-disabled', nicA, [HELD]),
  ];
  const outcomes: string[] = [];
  for (const one of asked) outcomes.push(...(await statuses(executor, one)));
  return outcomes;
}
