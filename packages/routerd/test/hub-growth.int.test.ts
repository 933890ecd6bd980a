/**
 * One hub becomes two and three while everybody works. Nobody is told anything by hand but one token for each machine. Topology: chaos/growth-rig.ts.
 * One hub becomes three at once in the lab's scenario D8-three.
 */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { expectConverged, untilEach } from './chaos/chaos-checks.ts';
import { openGrowthRig, type GrowthRig } from './chaos/growth-rig.ts';
import { expectOneHistory } from './chaos/one-history.ts';

let rig: GrowthRig;
let opened: GrowthRig | undefined;

beforeAll(async () => {
  opened = await openGrowthRig();
  rig = opened;
  await expectConverged(rig, 'a group from nothing');
  work(true);
}, 120_000);
afterAll(async () => {
  await opened?.close();
});

it('grows from one hub to two and three, replaces one that is gone for good, loses nothing, and lets go of a node', async () => {
  await grow('one hub to two');
  await grow('two hubs to three');
  await expectReplaced();
  await expectRemoved();
}, 400_000);

function work(is: boolean): void {
  for (const site of rig.sites) site.tell({ kind: 'load', facts: is ? 100 : 0, contends: is });
}

/** Every key changes hands again; all facts are known to all, no epoch is lower, no revision comes twice. */
async function grow(what: string): Promise<void> {
  const wasAlone = rig.hubs.length === 1;
  await untilWonAfter(performance.now());
  await rig.addHub();
  const began = performance.now();
  const [first] = rig.hubs;
  if (wasAlone) await untilEach(() => first!.hasSaid('hub.growth.done'), 'the streams in the cluster');
  const replicas = rig.hubs.length >= 3 ? 3 : 1;
  await untilEach(async () => (await rig.copies()).replicas === replicas, `${replicas} replicas`);
  const grown = performance.now();
  await untilWonAfter(grown);
  const at = rig.sites.flatMap((site) => site.won.map((record) => record.at)).filter((time) => time > began - 1000);
  const inOrder = at.toSorted((a, b) => a - b);
  const longest = Math.max(...inOrder.map((time, index) => time - (inOrder[index - 1] ?? time)));
  process.stdout.write(
    `${what}: ${((grown - began) / 1000).toFixed(2)} s until it stands, ${(longest / 1000).toFixed(2)} s without a capture\n`,
  );
  work(false);
  await expectConverged(rig, what);
  const states = await Promise.all(rig.sites.map(async (site) => site.state()));
  // Nobody looked at a log that was not whole.
  for (const { refused } of states) expect(refused['capture.regressed'] ?? 0).toBe(0);
  expectOneHistory(rig.sites);
  work(true);
}

/** One dies for good: nobody leaves before another is there, then its copies are put there, and a majority holds without the first. */
async function expectReplaced(): Promise<void> {
  const [first, dead] = rig.hubs;
  await untilWonAfter(performance.now());
  await dead!.kill();
  await untilWonAfter(performance.now());
  const isRefused = async (): Promise<boolean> =>
    (await rig.refusal('remove-node', 'hub-2'))?.includes('material.too-few-hubs') === true;
  await untilEach(isRefused, 'the refusal to go down to two hubs');
  await rig.addHub();
  const began = performance.now();
  const isRemoved = async (): Promise<boolean> => (await rig.refusal('remove-node', 'hub-2')) === undefined;
  await untilEach(isRemoved, 'the fourth hub there, and the second removed');
  await untilEach(async () => (await rig.copies()).keepers.join() === 'hub-1,hub-3,hub-4', 'the streams at the fourth');
  const seconds = ((performance.now() - began) / 1000).toFixed(2);
  process.stdout.write(`a dead hub replaced: the streams are at another ${seconds} s after that was started\n`);
  await untilEach(() => rig.hubs.some((hub) => hub.hasSaid('hub.departed')), 'the second hub counted no more');
  await first!.kill();
  await untilWonAfter(performance.now());
  first!.start();
  // It comes back to life, and learns from the others that it has left.
  dead!.start();
  await untilEach(() => dead!.hasSaid('hub.left'), 'the second hub told that it has left');
  work(false);
  await expectConverged(rig, 'a hub replaced, and the first killed and started again');
  expectOneHistory(rig.sites);
}

/** By every hub, and all others go on. */
async function expectRemoved(): Promise<void> {
  const [, , , leaver] = rig.sites;
  await rig.operator('remove-node', leaver!.name);
  await untilEach(async () => {
    const { connected, lastError } = await leaver!.state();
    return !connected && (lastError ?? '').includes('identity-refused');
  }, `${leaver!.name} refused by every hub`);
  const others = await Promise.all(rig.sites.slice(0, 3).map(async (site) => site.state()));
  expect(others.map(({ connected }) => connected)).toEqual([true, true, true]);
}

async function untilWonAfter(time: number): Promise<void> {
  const isWon = (): boolean => rig.sites.some((site) => site.won.filter(({ at }) => at > time).length > 10);
  await untilEach(isWon, 'captures that change hands');
}
