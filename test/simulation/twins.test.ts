/** Without faults the simulated hub, disks, clouds and VRRP are what the contracts of their ports ask for. */
import { executorContract, journalContract } from '@routerd/actions/contract';
import type { VirtualRouter } from '@routerd/dataplane';
import { vrrpContract, type VrrpRig } from '@routerd/dataplane/contract';
import { MemoryEventStore } from '@routerd/federation';
import {
  factStoreContract,
  federationContract,
  highWaterStoreContract,
  rigConfig,
  rigIdentities,
  type FederationRig,
  type RigNode,
} from '@routerd/federation/contract';
import { federationOver } from '@routerd/federation/internal';
import { instant, parseHostAddress, type NodeName } from '@routerd/resources';
import { RecordingLog } from '@routerd/runtime';
import { describe, expect, test } from 'vitest';
import { Life, MachineClock } from './life.ts';
import { valueOf } from './node-documents.ts';
import { SeededRandom } from './random.ts';
import { SimCloud } from './sim-cloud.ts';
import { SimDisk } from './sim-disk.ts';
import { SimHub } from './sim-hub.ts';
import { SimVrrp } from './sim-vrrp.ts';
import { VirtualTime } from './virtual-time.ts';

function lifeIn(time: VirtualTime): Life {
  return new Life(time, { over: () => undefined, busyLoop: () => undefined });
}

federationContract('the simulated hub', openRig);

journalContract('a simulated disk', async () => {
  const disk = new SimDisk();
  const open = () => disk.stores(lifeIn(new VirtualTime())).journal;
  return Promise.resolve({ journal: open(), reopen: async () => Promise.resolve(open()) });
});
factStoreContract('a simulated disk', () => {
  const disk = new SimDisk();
  return { open: () => disk.stores(lifeIn(new VirtualTime())).factStore, close: () => undefined };
});
highWaterStoreContract('a simulated disk', () => {
  const disk = new SimDisk();
  return { open: () => disk.stores(lifeIn(new VirtualTime())).highWater, close: () => undefined };
});

executorContract('a simulated cloud', async () => {
  const time = new VirtualTime();
  const quick = { now: () => time.now(), sleepUntil: async () => Promise.resolve(), monotonic: () => time.monotonic() };
  const changed: unknown[] = [];
  const cloud = new SimCloud({
    time: Object.assign(Object.create(time), quick),
    random: new SeededRandom(1),
    onSubmitted: () => undefined,
    onMutation: (mutation) => changed.push(mutation),
  });
  for (const node of ['router-a', 'router-b']) cloud.addRouter(node);
  const nic = { provider: 'aws', providerRef: 'main', nicRef: 'nic-router-a', target: {} } as const;
  const addresses = [addressOf('10.77.0.20/32'), addressOf('10.77.0.21/32')] as const;
  return Promise.resolve({
    executor: cloud.executor('router-a', lifeIn(time)),
    nic,
    otherNic: { ...nic, nicRef: 'nic-router-b' },
    holder: 'router-a',
    otherHolder: 'router-b',
    addresses,
    holderOf: async (address) => Promise.resolve(cloud.inner.holderOf(address)),
    isForwarding: async (of) => Promise.resolve(cloud.inner.forwarding(of.nicRef)),
    changes: async () => Promise.resolve(changed.length),
  });
});

describe('a life that is over', () => {
  test('changes nothing on the disk, and its calls never return', async () => {
    const time = new VirtualTime();
    const disk = new SimDisk();
    const life = lifeIn(time);
    const { leases, factStore } = disk.stores(life);
    life.end();
    leases.saveLeases([], []);
    factStore.markSent(['x']);
    let isBack = false;
    void life
      .ask(async () => Promise.resolve(1))
      .then(() => {
        isBack = true;
      });
    await time.runUntil(1000);
    expect(isBack).toBe(false);
  });

  test('ends at the call that was foretold, before or after its effect', async () => {
    const time = new VirtualTime();
    const effects: number[] = [];
    for (const calls of [1, 2]) {
      const life = lifeIn(time);
      life.endAfterCalls(calls);
      life.act(undefined, () => effects.push(calls));
      expect(life.isOver()).toBe(true);
    }
    expect(effects).toEqual([2]);
    await time.runUntil(0);
  });
});

test('a power cut keeps what was synced', () => {
  const disk = new SimDisk();
  const { highWater, leases } = disk.stores(lifeIn(new VirtualTime()));
  highWater.raise([{ key: 'k' as never, epoch: 3 as never }]);
  leases.saveLeases([{ address: addressOf('10.77.0.20/32') } as never], []);
  const lost = Array.from({ length: 20 }, (_, seed) => disk.cutPower(new SeededRandom(seed)));
  expect(Math.max(...lost)).toBe(1);
  expect([...disk.content.highWater.all().values()]).toEqual([3]);
  expect(disk.content.leases.size).toBe(0);
});

vrrpContract('the simulated VRRP of a LAN', openVrrpRig);

async function openVrrpRig(): Promise<VrrpRig> {
  const time = new VirtualTime();
  const lan = new SimVrrp({ time, random: new SeededRandom(1), nodes: ['own', 'rival'], onTold: () => undefined });
  const [ports, rival] = [[lan.port('own', lifeIn(time))], lan.port('rival', lifeIn(time))];
  let heal: (() => void) | undefined;
  const asked: VirtualRouter[] = [];
  const open = () => {
    const [vrrp] = ports;
    if (vrrp === undefined || rival === undefined) throw new Error('both are routers of the LAN');
    const setDesired = (routers: readonly VirtualRouter[]): void => {
      asked.splice(0, asked.length, ...routers);
      vrrp.setDesired(routers);
    };
    return { ...vrrp, setDesired };
  };
  const pass = async (): Promise<void> => time.runUntil(time.now() + 10_000);
  // Whoever waits for a role lets the time of the wall pass; the time of the LAN passes beside it while nothing is dead.
  const passing = setInterval(() => void (heal === undefined ? pass() : undefined), 5);
  return Promise.resolve({
    vrrp: open(),
    directory: '',
    reopen: () => {
      ports.splice(0, 1, lan.port('own', lifeIn(time)));
      return open();
    },
    setRival: async (presence, priority = 200) => {
      const like = asked[0];
      if (like !== undefined) rival?.setDesired(presence === 'enters' ? [{ ...like, priority }] : []);
      return Promise.resolve();
    },
    kill: async () => {
      heal = lan.trouble('all-die');
      await time.runUntil(time.now() + 500);
    },
    elect: async () => {
      heal?.();
      heal = undefined;
      await pass();
    },
    addresses: async () => Promise.resolve(undefined),
    dispose: async () => {
      clearInterval(passing);
      await pass();
    },
  });
}

function addressOf(text: string) {
  return valueOf(parseHostAddress(text));
}

async function openRig(): Promise<FederationRig> {
  const time = new VirtualTime();
  const hub = new SimHub({ time, random: new SeededRandom(1), latencyMs: [1, 5] });
  const identities = rigIdentities();
  const nodes: RigNode[] = [];
  const closing = new AbortController();
  const passing = (async () => {
    while (!closing.signal.aborted) await time.runUntil(time.now() + 10);
  })();
  return Promise.resolve({
    identities,
    node: (name, disk) => {
      const node = nodeOf(time, hub, identities, name, disk);
      nodes.push(node);
      return node;
    },
    cut: (name) => {
      hub.wire(name).isCut = true;
      hub.cut(name, 'cut');
    },
    heal: (name) => {
      hub.wire(name).isCut = false;
    },
    stall: () => {
      hub.trouble.pausedUntil = Number.POSITIVE_INFINITY;
    },
    resume: () => {
      hub.trouble.pausedUntil = 0;
    },
    publishAs: async (_name, log, message) => Promise.resolve(hub.inject(log, message)),
    until: async (condition, what) => {
      for (let left = 3000; !condition(); left -= 1) {
        if (left === 0) throw new Error(`waited in vain for: ${what}`);
        await new Promise((resolve) => {
          setImmediate(resolve);
        });
      }
    },
    close: async () => {
      closing.abort();
      await passing;
      for (const { federation } of nodes) await federation.stop();
    },
  });
}

function nodeOf(
  time: VirtualTime,
  hub: SimHub,
  identities: FederationRig['identities'],
  name: NodeName,
  disk?: Parameters<FederationRig['node']>[1],
): RigNode {
  const life = lifeIn(time);
  const stores = new SimDisk().stores(life);
  const factStore = disk?.factStore ?? stores.factStore;
  const highWaterStore = disk?.highWaterStore ?? stores.highWater;
  const orderStore = disk?.orderStore ?? stores.orders;
  const eventStore = disk?.eventStore ?? new MemoryEventStore();
  const log = new RecordingLog();
  const captured: RigNode['captured'] = new Map();
  const federation = federationOver(hub.transport(name, life), rigConfig(name, identities), {
    clock: new MachineClock(time, instant(1_795_000_000_000)).forLife(life),
    log,
    factStore,
    highWaterStore,
    orderStore,
    eventStore,
    isCapturedHere: (address) => captured.get(address),
  });
  return { name, federation: valueOf(federation), factStore, highWaterStore, orderStore, eventStore, log, captured };
}
