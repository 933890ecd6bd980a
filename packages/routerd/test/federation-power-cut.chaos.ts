/**
 * All hubs lose power at once, and come back with the disks of then, and with older ones. Half a minute, most of it elections; part of
 * `npm run chaos`, since those may take much longer on a busy machine.
 */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { expectConverged } from './chaos/chaos-checks.ts';
import { openChaosRig, type ChaosRig } from './chaos/chaos-rig.ts';
import { setWork, untilKeysChangeHands } from './chaos/chaos-work.ts';
import { expectOneHistory } from './chaos/one-history.ts';

let rig: ChaosRig;
let opened: ChaosRig | undefined;

beforeAll(async () => {
  opened = await openChaosRig();
  rig = opened;
  await expectConverged(rig, 'start');
}, 120_000);
afterAll(async () => {
  await opened?.close();
});

test('all hubs lose power, and come back with an older copy of their disks', async () => {
  setWork(rig, true);
  await untilKeysChangeHands(rig);
  setWork(rig, false);
  for (const hub of rig.hubs) await hub.kill();
  for (const hub of rig.hubs) hub.saveDisk();
  for (const hub of rig.hubs) hub.start();
  setWork(rig, true);
  await untilKeysChangeHands(rig);
  setWork(rig, false);
  await expectConverged(rig, 'power cut of all hubs');
  const marks = (await rig.sites[0]!.state()).highWater;
  for (const hub of rig.hubs) await hub.kill();
  for (const hub of rig.hubs) hub.restoreDisk();
  for (const site of rig.sites) site.forgetRevisions();
  for (const hub of rig.hubs) hub.start();
  setWork(rig, true);
  await untilKeysChangeHands(rig);
  setWork(rig, false);
  await expectConverged(rig, 'power cut of all hubs, older disks');
  const states = await Promise.all(rig.sites.map(async (site) => site.state()));
  // By whoever read the older log first; who comes when all is overtaken sees nothing amiss.
  expect(states.some(({ refused }) => (refused['capture.regressed'] ?? 0) > 0)).toBe(true);
  for (const { records } of states) {
    // Those that changed hands since; what nobody wanted stands as it stood in the older log.
    const wanted = Object.entries(records).filter(([key]) => key.startsWith('chaos|'));
    expect(wanted.length).toBeGreaterThan(0);
    for (const [key, { epoch }] of wanted) expect(epoch).toBeGreaterThan(marks[key] ?? 0);
  }
  expectOneHistory(rig.sites);
}, 600_000);
