/**
 * Each site in turn is cut off for a minute under load, as are the two routers whose kernels are watched; prints how long everybody takes to agree
 * again. Seven minutes, part of `npm run chaos`. Until given up by the others, for a second each: federation-chaos.int.test.ts.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { expectConverged, untilEach } from './chaos/chaos-checks.ts';
import { openChaosRig, type ChaosRig } from './chaos/chaos-rig.ts';
import { setWork } from './chaos/chaos-work.ts';
import { expectOneHistory } from './chaos/one-history.ts';

const CUT_MS = 60_000;
let rig: ChaosRig;
let opened: ChaosRig | undefined;

beforeAll(async () => {
  opened = await openChaosRig();
  rig = opened;
  await expectConverged(rig, 'start');
  for (const witness of rig.witnesses) {
    await untilEach(async () => witness.isServing(), `${witness.name} captures and delivers`);
    await witness.watch();
  }
}, 240_000);
afterAll(async () => {
  await opened?.close();
});

test.for(['onprem', 'aws', 'azure', 'oci', 'west', 'east'])(
  '%s is cut off for a minute: nothing is lost, no kernel notices, and all agree afterwards',
  { timeout: 300_000 },
  async (away) => {
    setWork(rig, true);
    await rig.net.unplug(away);
    await sleep(CUT_MS);
    const site = rig.sites.find(({ name }) => name === away);
    // Who is cut off notices, also with a connection that is full of what cannot be sent, and dials; else it would wait for TCP afterwards.
    if (site !== undefined) expect((await site.state()).lastError).toContain('hub.unreachable');
    await rig.net.plug(away);
    setWork(rig, false);
    await expectConverged(rig, `${away} cut off for ${CUT_MS / 1000} s`);
    expectOneHistory(rig.sites);
    for (const witness of rig.witnesses) expect(await witness.changes()).toEqual({ state: [], reported: '' });
  },
);
