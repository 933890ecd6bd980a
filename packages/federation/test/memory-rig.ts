/** The in-memory network under the contract's hands; time passes only when somebody waits. */
import {
  createMemoryNetwork,
  MemoryEventStore,
  MemoryFactStore,
  MemoryHighWaterStore,
  MemoryOrderStore,
  type MemoryNetwork,
} from '../src/index.ts';
import { instant, type NodeName } from '@routerd/resources';
import { ManualClock, RecordingLog } from '@routerd/runtime';
import {
  rigConfig,
  rigIdentities,
  type FederationRig,
  type RigDisk,
  type RigNode,
} from '../src/contract/federation-rig.ts';
import { valueOf } from './value-of.ts';

const STEP_MS = 10;
const STEPS_MAX = 2000;

export interface MemoryRig extends FederationRig {
  readonly network: MemoryNetwork;
  readonly clock: ManualClock;
}

export async function openMemoryRig(): Promise<MemoryRig> {
  const clock = new ManualClock(instant(1_795_000_000_000));
  const network = createMemoryNetwork({ clock });
  const identities = rigIdentities();
  const nodes: RigNode[] = [];
  const step = async (): Promise<void> => {
    clock.advance(STEP_MS);
    // A turn of the event loop: all microtasks run, which is all that this network consists of.
    await new Promise((resolve) => {
      setImmediate(resolve);
    });
  };
  // Time passes by itself, so that a case may await an outcome that only a deadline brings.
  const closing = new AbortController();
  const passing = (async () => {
    while (!closing.signal.aborted) await step();
  })();
  const rig: MemoryRig = {
    network,
    clock,
    identities,
    node: (name, disk) => {
      const node = makeNode(network, identities, name, disk);
      nodes.push(node);
      return node;
    },
    cut: (name) => network.partition(name),
    heal: (name) => network.heal(name),
    stall: () => network.stall(),
    resume: () => network.resume(),
    publishAs: async (_name, log, message) => {
      network.inject(log, message);
      return Promise.resolve();
    },
    until: async (condition, what) => {
      for (let steps = 0; !condition(); steps++) {
        if (steps > STEPS_MAX) throw new Error(`waited ${STEPS_MAX * STEP_MS} ms in vain for: ${what}`);
        await step();
      }
    },
    close: async () => {
      closing.abort();
      await passing;
      for (const { federation } of nodes) await federation.stop();
    },
  };
  return Promise.resolve(rig);
}

function makeNode(
  network: MemoryNetwork,
  identities: FederationRig['identities'],
  name: NodeName,
  disk?: RigDisk,
): RigNode {
  const factStore = disk?.factStore ?? new MemoryFactStore();
  const highWaterStore = disk?.highWaterStore ?? new MemoryHighWaterStore();
  const eventStore = disk?.eventStore ?? new MemoryEventStore();
  const orderStore = disk?.orderStore ?? new MemoryOrderStore();
  const log = new RecordingLog();
  const captured: RigNode['captured'] = new Map();
  const made = network.federation(rigConfig(name, identities), {
    log,
    factStore,
    highWaterStore,
    eventStore,
    orderStore,
    isCapturedHere: (address) => captured.get(address),
  });
  return { name, federation: valueOf(made), factStore, highWaterStore, eventStore, orderStore, log, captured };
}
