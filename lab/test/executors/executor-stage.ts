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
import { CHECKOUT } from '../../src/lab-files.ts';
import type { JournalEntry } from '../../src/cloud/control-messages.ts';
import type { Cloud } from '../../src/topology.ts';
import { openCloudRig, type CloudRig, type RigOptions } from '../cloud/cloud-rig.ts';
import { waitUntil } from '../../src/wait-until.ts';

export interface ExecutorStage {
  readonly rig: CloudRig;
  readonly log: RecordingLog;
  readonly nicA: NicTarget;
  readonly nicB: NicTarget;
  /** Each request goes to the plugin of the router whose NIC it names; requests for other NICs go to the first. */
  readonly executor: ProviderExecutor;
  /** A plugin process of its own, in that router. */
  open(router: 'a' | 'b', timeoutMs?: number): PluginExecutor;
  /** Addresses gone, forwarding off, no faults, no knobs, journal empty. */
  reset(): Promise<void>;
  /** The contract's view of this stage, after a reset. */
  contractRig(): Promise<ExecutorRig>;
  /** Mutating requests that reached the vendor's API. */
  mutations(): Promise<readonly JournalEntry[]>;
  holderOf(address: HostAddress): Promise<string | undefined>;
  close(): Promise<void>;
}

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

export async function openStage(cloud: Cloud, options: RigOptions = {}): Promise<ExecutorStage> {
  const rig = await openCloudRig(cloud, options);
  const log = new RecordingLog();
  const opened: PluginExecutor[] = [];
  const nicOf = (router: 'a' | 'b'): NicTarget => ({
    provider: cloud,
    providerRef: cloud,
    nicRef: rig.instance(`${cloud}-router-${router}`).nicId,
    target: { region: rig.config.region },
  });
  const open = (router: 'a' | 'b', timeoutMs = 60_000): PluginExecutor => {
    const executor = openPlugin(rig, cloud, router, { timeoutMs, log });
    opened.push(executor);
    return executor;
  };
  const [nicA, nicB] = [nicOf('a'), nicOf('b')];
  const [pluginA, pluginB] = [open('a'), open('b')];
  const pluginOf = (nic: NicTarget): PluginExecutor => (nic.nicRef === nicB.nicRef ? pluginB : pluginA);
  const executor: ProviderExecutor = {
    execute: async (request, signal) => pluginOf(request.nic).execute(request, signal),
    observe: async (nic, signal) => pluginOf(nic).observe(nic, signal),
  };
  const nics = async (): Promise<readonly (NicState & { readonly nicId: string })[]> =>
    (await rig.control.state()).nics.map(({ nicId, controlPlane }) => ({
      nicId,
      addresses: controlPlane.addresses.map(address),
      forwarding: controlPlane.forwarding,
    }));
  const mutations = async (): Promise<readonly JournalEntry[]> =>
    (await rig.control.journal()).filter(({ service, mutating }) => service === 'api' && mutating);
  const holderOf = async (wanted: HostAddress): Promise<string | undefined> =>
    (await nics()).find(({ addresses }) => addresses.includes(wanted))?.nicId;

  const stage: ExecutorStage = {
    rig,
    log,
    nicA,
    nicB,
    executor,
    open,
    mutations,
    holderOf,
    async reset() {
      await resetCloud(rig);
      for (const nic of [nicA, nicB]) {
        const isForwarding = (await nics()).find(({ nicId }) => nicId === nic.nicRef)?.forwarding;
        if (isForwarding === true) await succeed(executor, request('ensure-forwarding-disabled', nic, ['10.77.60.10']));
      }
      await rig.control.resetJournal();
    },
    async contractRig() {
      await stage.reset();
      return {
        executor,
        nic: nicA,
        otherNic: nicB,
        holder: `${cloud}-router-a`,
        otherHolder: `${cloud}-router-b`,
        addresses: [address('10.77.60.110'), address('10.77.60.111')],
        holderOf,
        isForwarding: async ({ nicRef }) => (await nics()).find(({ nicId }) => nicId === nicRef)?.forwarding === true,
        changes: async () => (await mutations()).length,
      };
    },
    async close() {
      await Promise.all(opened.map(async (each) => each.stop()));
      await rig.close();
    },
  };
  return stage;
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
  await waitUntil('the fabric to forget', isClean, { deadlineMs: 5000 });
}

function openPlugin(
  rig: CloudRig,
  cloud: Cloud,
  router: 'a' | 'b',
  { timeoutMs, log }: { readonly timeoutMs: number; readonly log: RecordingLog },
): PluginExecutor {
  const main = path.join(CHECKOUT, 'plugins', cloud, 'src/main.ts');
  // Without the PID namespace: then the process that the host kills is the plugin itself.
  const enter = [
    '-t',
    `${rig.guest(`${cloud}-router-${router}`).record.holder.pid}`,
    '-m',
    '-u',
    '-n',
    `--wd=${CHECKOUT}`,
  ];
  const plugin: ResourceOf<'Plugin'> = {
    apiVersion: 'plugin.routerd.net/v1alpha1',
    kind: 'Plugin',
    metadata: { name: `${cloud}-executor`, annotations: {}, ownerRefs: [] },
    spec: {
      executable: '/usr/bin/nsenter',
      args: [...enter, process.execPath, main],
      timeout: durationMs(timeoutMs),
      env: {
        NODE_EXTRA_CA_CERTS: path.join(path.dirname(rig.config.tls.certFile), 'ca.pem'),
        NODE_COMPILE_CACHE: path.join(CHECKOUT, 'node_modules/.cache/compile'),
      },
      capabilities: ['execute.providerAction'],
    },
  };
  return createPluginExecutor({ plugins: [plugin], clock: systemClock, log: log.child({ router }) });
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

async function succeed(executor: ProviderExecutor, sent: ExecuteRequest): Promise<void> {
  const seen = await statuses(executor, sent);
  if (!seen.every((status) => status === 'succeeded')) throw new Error(`${sent.verb}: ${seen.join(', ')}`);
}
