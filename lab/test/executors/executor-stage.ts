/**
 * An emulated cloud with its two routers, and each router's executor plugin running inside that router: through the plugin host, as a
 * process of its own, with the vendor's SDK and the instance's own identity.
 */
import path from 'node:path';
import { type ExecuteRequest, type NicState, type NicTarget, type ProviderExecutor } from '@routerd/actions';
import type { ExecutorRig } from '@routerd/actions/contract';
import { createPluginExecutor, type PluginExecutor } from '@routerd/plugin-host';
import { durationMs, hostAddressOf, parseIpv4, type HostAddress, type ResourceOf } from '@routerd/resources';
import { RecordingLog, systemClock } from '@routerd/runtime';
import { bundledExecutor } from '../../src/executor-bundle.ts';
import { CHECKOUT } from '../../src/lab-files.ts';
import type { JournalEntry } from '../../src/cloud/control-messages.ts';
import type { EmulatedCloud } from '../../src/topology.ts';
import { openCloudRig, type CloudRig, type RigOptions } from '../cloud/cloud-rig.ts';
import { waitUntil } from '../../src/wait-until.ts';

const never = new AbortController().signal;

export async function observed(executor: ProviderExecutor, nic: NicTarget): Promise<NicState | string> {
  const answer = await executor.observe(nic, never);
  return answer.ok ? answer.value : `${answer.error.errorClass}: ${answer.error.detail}`;
}

export function address(bare: string): HostAddress {
  const parsed = parseIpv4(bare);
  if (!parsed.ok) throw new Error(bare);
  return hostAddressOf(parsed.value);
}

/** What is run of each cloud's executor: as operators run it, bundled. */
const mains = new Map<EmulatedCloud, string>();

export async function openStage(cloud: EmulatedCloud, options: RigOptions = {}): Promise<ExecutorStage> {
  mains.set(cloud, await bundledExecutor(cloud));
  return new ExecutorStage(cloud, await openCloudRig(cloud, options));
}

type RouterLetter = 'a' | 'b';

export class ExecutorStage {
  readonly rig: CloudRig;
  readonly log = new RecordingLog();
  readonly nicA: NicTarget;
  readonly nicB: NicTarget;
  /** Each request goes to the plugin of the router whose NIC it names; requests for other NICs go to the first. */
  readonly executor: ProviderExecutor;
  readonly #cloud: EmulatedCloud;
  readonly #opened: PluginExecutor[] = [];

  constructor(cloud: EmulatedCloud, rig: CloudRig) {
    this.#cloud = cloud;
    this.rig = rig;
    this.nicA = this.#nicOf('a');
    this.nicB = this.#nicOf('b');
    const [pluginA, pluginB] = [this.open('a'), this.open('b')];
    const pluginOf = (nic: NicTarget): PluginExecutor => (nic.nicRef === this.nicB.nicRef ? pluginB : pluginA);
    this.executor = {
      execute: async (sent, signal) => pluginOf(sent.nic).execute(sent, signal),
      observe: async (nic, signal) => pluginOf(nic).observe(nic, signal),
    };
  }

  /** A plugin process of its own, in that router. */
  open(router: RouterLetter, timeoutMs = 60_000, env: Readonly<Record<string, string>> = {}): PluginExecutor {
    const plugin = pluginResource(this.rig, this.#cloud, router, timeoutMs, env);
    const executor = createPluginExecutor({
      plugins: [plugin],
      clock: systemClock,
      log: this.log.child({ router }),
    });
    this.#opened.push(executor);
    return executor;
  }

  /** Mutating requests that reached the vendor's API. */
  async mutations(): Promise<readonly JournalEntry[]> {
    return (await this.rig.control.journal()).filter(({ service, mutating }) => service === 'api' && mutating);
  }

  async holderOf(wanted: HostAddress): Promise<string | undefined> {
    return (await this.#nics()).find(({ addresses }) => addresses.includes(wanted))?.nicId;
  }

  async isForwarding({ nicRef }: NicTarget): Promise<boolean> {
    return (await this.#nics()).find(({ nicId }) => nicId === nicRef)?.forwarding === true;
  }

  /** Addresses gone, forwarding off, no faults, no knobs, journal empty. */
  async reset(): Promise<void> {
    await resetCloud(this.rig);
    for (const nic of [this.nicA, this.nicB]) {
      if (!(await this.isForwarding(nic))) continue;
      const off = request('ensure-forwarding-disabled', nic, ['10.77.60.10']);
      const [said] = await statuses(this.executor, off);
      if (said !== 'succeeded') throw new Error(`${nic.nicRef} keeps forwarding: ${said}`);
    }
    await this.rig.control.resetJournal();
  }

  /** The contract's view of this stage, after a reset. */
  async contractRig(): Promise<ExecutorRig> {
    await this.reset();
    return {
      executor: this.executor,
      nic: this.nicA,
      otherNic: this.nicB,
      holder: `${this.#cloud}-router-a`,
      otherHolder: `${this.#cloud}-router-b`,
      addresses: [address('10.77.60.110'), address('10.77.60.111')],
      holderOf: async (wanted) => this.holderOf(wanted),
      isForwarding: async (nic) => this.isForwarding(nic),
      changes: async () => (await this.mutations()).length,
    };
  }

  async close(): Promise<void> {
    await Promise.all(this.#opened.map(async (each) => each.stop()));
    await this.rig.close();
  }

  #nicOf(router: RouterLetter): NicTarget {
    const nicOf = (letter: RouterLetter): string => this.rig.instance(`${this.#cloud}-router-${letter}`).nicId;
    const other = router === 'a' ? 'b' : 'a';
    const target = { region: this.rig.config.region, [`nicOf.${this.#cloud}-router-${other}`]: nicOf(other) };
    return { provider: this.#cloud, providerRef: this.#cloud, nicRef: nicOf(router), target };
  }

  async #nics(): Promise<readonly (NicState & { readonly nicId: string })[]> {
    return (await this.rig.control.state()).nics.map(({ nicId, controlPlane }) => ({
      nicId,
      addresses: controlPlane.addresses.map(address),
      forwarding: controlPlane.forwarding,
    }));
  }
}

async function resetCloud({ control }: CloudRig): Promise<void> {
  await control.clearFaults();
  await control.setKnobs({});
  const { nics } = await control.state();
  for (const { instance, controlPlane } of nics) {
    await control.changeAddresses(instance, { unassign: controlPlane.addresses.slice(1) });
  }
  const isClean = async (): Promise<true | undefined> =>
    (await control.state()).nics.every(({ fabric }) => fabric.addresses.length === 1) || undefined;
  await waitUntil('the fabric to forget', isClean, { deadlineMs: 30_000 });
}

/** How the plugin of a router is started: inside it, with what a `Plugin` resource would declare. */
export function pluginCommand(
  rig: CloudRig,
  cloud: EmulatedCloud,
  router: RouterLetter,
): { readonly argv: readonly [string, ...string[]]; readonly env: Readonly<Record<string, string>> } {
  const main = mains.get(cloud) ?? path.join(CHECKOUT, 'plugins', cloud, 'src/main.ts');
  const { pid } = rig.guest(`${cloud}-router-${router}`).record.holder;
  // Without the PID namespace: then the process that the host kills is the plugin itself.
  const enter = ['-t', `${pid}`, '-m', '-u', '-n', `--wd=${CHECKOUT}`];
  return {
    argv: ['/usr/bin/nsenter', ...enter, process.execPath, main],
    env: {
      NODE_EXTRA_CA_CERTS: path.join(path.dirname(rig.config.tls.certFile), 'ca.pem'),
      NODE_COMPILE_CACHE: path.join(CHECKOUT, 'node_modules/.cache/compile'),
    },
  };
}

/** What a router's configuration says of it. */
export function pluginResource(
  rig: CloudRig,
  cloud: EmulatedCloud,
  router: RouterLetter,
  timeoutMs: number,
  moreEnv: Readonly<Record<string, string>> = {},
): ResourceOf<'Plugin'> {
  const {
    argv: [executable, ...args],
    env,
  } = pluginCommand(rig, cloud, router);
  return {
    apiVersion: 'plugin.routerd.net/v1alpha1',
    kind: 'Plugin',
    metadata: { name: `${cloud}-executor`, annotations: {}, ownerRefs: [] },
    spec: {
      executable,
      args,
      timeout: durationMs(timeoutMs),
      env: { ...env, ...moreEnv },
      capabilities: ['execute.providerAction'],
      triggers: [],
      context: { resources: [] },
    },
  };
}

/** The time from the start of a plugin's process to its first answer, and to the next; cold caches are the first's misfortune. */
export async function measureStart(stage: ExecutorStage): Promise<readonly string[]> {
  const measured: string[] = [];
  for (const kind of ['first', 'again']) {
    const fresh = stage.open('a');
    for (const what of ['spawn to first observe', 'observe, warm']) {
      const began = performance.now();
      const seen = await observed(fresh, stage.nicA);
      if (typeof seen === 'string') throw new Error(seen);
      measured.push(`${what} (${kind}) ${Math.round(performance.now() - began)} ms`);
    }
    await fresh.stop();
  }
  return measured;
}

export interface RequestOptions {
  readonly epoch?: number;
  readonly seizeFrom?: string;
  readonly mode?: ExecuteRequest['mode'];
}

export function request(
  verb: ExecuteRequest['verb'],
  nic: NicTarget,
  bare: readonly string[],
  { epoch = 1, seizeFrom, mode = 'execute' }: RequestOptions = {},
): ExecuteRequest {
  const addresses = bare.map((one) => ({
    address: address(one),
    captureKey: `cloudedge|${one}/32|provider:${nic.providerRef}:placement:routers`,
    captureEpoch: epoch,
    seizeFrom,
  }));
  return { nic, verb, addresses, mode, attempt: `${verb}-${epoch}-${performance.now()}` };
}

/** @returns the status of each address, with its class where it failed */
export async function statuses(executor: ProviderExecutor, sent: ExecuteRequest): Promise<readonly string[]> {
  const answer = await executor.execute(sent, never);
  if (!answer.ok) return [`${answer.error.code} ${answer.error.errorClass}: ${answer.error.detail}`];
  return answer.value.results.map(({ status, errorClass }) =>
    errorClass === undefined ? status : `${status} ${errorClass}`,
  );
}
