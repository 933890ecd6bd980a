/** What may happen to three hubs and four sites while they work, and what must hold whatever happened. Topology: chaos/chaos-rig.ts. All at once: federation-power-cut.chaos.ts. */
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { expectConverged, untilEach } from './chaos/chaos-checks.ts';
import { openChaosRig, type ChaosRig } from './chaos/chaos-rig.ts';
import { setWork, untilKeysChangeHands, wonCount } from './chaos/chaos-work.ts';
import { expectOneHistory } from './chaos/one-history.ts';

/** How long a site stays away after its peers have given it up (`deadAfter` of the nodes is 2 s). A minute each: federation-long-partition.chaos.ts. */
const PARTITION_MS = 500;
let rig: ChaosRig;
let opened: Awaited<ReturnType<typeof openChaosRig>> | undefined;

beforeAll(async () => {
  opened = await openChaosRig();
  rig = opened;
  await expectConverged(rig, 'start');
  for (const witness of rig.witnesses) {
    await untilEach(async () => witness.isServing(), `${witness.name} captures and delivers`);
    await witness.watch();
  }
}, 90_000);
afterAll(async () => {
  await opened?.close();
});
beforeEach(() => {
  work(true);
  return async () => {
    work(false);
    // Every record that was ever won, over all cases.
    expectOneHistory(rig.sites);
    await expectKernelsUntouched();
  };
});

describe('under load, with three hubs', { timeout: 300_000 }, () => {
  it('four writers never win one epoch twice', async () => {
    const before = won();
    await untilEach(() => won() > before + 200, 'contention');
    work(false);
    await expectConverged(rig, 'contention of four writers');
  });

  it('the leader is killed', async () => {
    const leader = await rig.leader();
    await leader.kill();
    await untilWorkGoesOn();
    leader.start();
    work(false);
    await expectConverged(rig, 'leader killed -9, and started again');
  });

  it('the leader stands still', async () => {
    const leader = await rig.leader();
    leader.signal('SIGSTOP');
    await untilWorkGoesOn();
    leader.signal('SIGCONT');
    await sleep(500); // what the old leader still believes is to meet the work of others
    work(false);
    await expectConverged(rig, 'leader stood still, and went on');
  });

  it('each site in turn is cut off', async () => {
    for (const away of ['onprem', 'aws', 'azure', 'oci']) {
      work(true);
      const watching = rig.sites.find((site) => site.name !== away)!;
      await rig.net.unplug(away);
      await untilEach(async () => (await watching.state()).dead.includes(away), `${away} given up`);
      await sleep(PARTITION_MS);
      expect((await watching.state()).dead).toEqual([away]);
      await rig.net.plug(away);
      work(false);
      await expectConverged(rig, `${away} cut off until given up`);
    }
  });

  it('a router is cut off, and forwards as before', async () => {
    await rig.net.unplug('west');
    const [first] = rig.sites;
    await untilEach(async () => (await first!.state()).dead.includes('west'), 'west given up');
    await expectKernelsUntouched();
    await rig.net.plug('west');
    work(false);
    await expectConverged(rig, 'a router cut off until given up');
  });

  it('a node is killed, and keeps what it acknowledged', async () => {
    const [node] = rig.sites;
    await node!.kill();
    await node!.start();
    work(false);
    await expectConverged(rig, 'node killed -9, and started again');
  });

  it('a slow node stops reading while thousands of facts pass', async () => {
    const [, slow] = rig.sites;
    slow!.signal('SIGSTOP');
    rig.sites[0]!.tell({ kind: 'burst', facts: 2000 });
    await untilEach(async () => (await rig.sites[0]!.state()).outbox === 0, 'the burst published');
    slow!.signal('SIGCONT');
    work(false);
    await expectConverged(rig, 'slow consumer');
  });

  it('the disk of one hub is gone', async () => {
    const hub = await rig.leader();
    await hub.kill();
    hub.wipe();
    hub.start();
    await untilWorkGoesOn();
    work(false);
    await expectConverged(rig, "one hub's disk wiped");
  });

  it('a node whose disk is full acknowledges nothing, and catches up', async () => {
    const oci = rig.sites[3]!;
    const free = rig.fillDisk('oci');
    oci.tell({ kind: 'burst', facts: 10_000 }); // more than the files have room for already
    await untilEach(() => (oci.notRecorded.get('fact.not-stored') ?? 0) > 0, 'the full disk noticed');
    expect([...oci.notRecorded.keys()]).toEqual(['fact.not-stored']);
    free();
    const before = oci.recorded.get('10.77.13.1/32') ?? 0;
    await untilEach(() => (oci.recorded.get('10.77.13.1/32') ?? 0) > before, 'recording again');
    work(false);
    await expectConverged(rig, 'full disk at a node');
  });

  it('a managed hub whose disk is full leaves the work to the others, and is back by itself when there is room', async () => {
    const [, , hub] = rig.hubs;
    await hub!.kill();
    hub!.startKept();
    const phase = (): string => hub!.kept.at(-1)?.phase ?? '';
    await untilEach(() => phase() === 'healthy', 'the managed hub');
    await untilWorkGoesOn();
    const free = rig.fillDisk('hub-3');
    try {
      await untilEach(() => (hub!.kept.at(-1)?.restarts ?? 0) > 0, 'the full disk noticed, and the hub started again');
      await untilWorkGoesOn();
    } finally {
      free();
    }
    await untilEach(() => phase() === 'healthy', 'the hub healthy again');
    work(false);
    await expectConverged(rig, 'full disk at a managed hub');
    expect(hub!.kept.at(-1)?.restarts).toBeGreaterThan(0);
    await hub!.kill();
    hub!.start();
    await expectConverged(rig, 'the hub as before');
  });
});

const work = (is: boolean): void => setWork(rig, is);
const won = (): number => wonCount(rig);
const untilWorkGoesOn = async (): Promise<void> => untilKeysChangeHands(rig);

/** Nothing that befalls hubs, nodes or links is news for a kernel. */
async function expectKernelsUntouched(): Promise<void> {
  for (const witness of rig.witnesses) expect(await witness.changes()).toEqual({ state: [], reported: '' });
}
