/**
 * N1: an address that a machine is given, known at the other sites by the cloud's own event: out of a queue at AWS, out of a stream at OCI, which
 * is asked once a second; and by an interval for comparison.
 */
import { stringify } from 'yaml';
import { z } from 'zod';
import { queueUrlOf } from '../cloud/aws/sqs-api.ts';
import { streamOf } from '../cloud/oci/streaming-api.ts';
import { CLOUD_ACCOUNTS } from '../cloud-accounts.ts';
import { bundledPlugin } from '../executor-bundle.ts';
import type { Lab } from '../lab.ts';
import { vendorCaFile } from '../material.ts';
import { cloudControl } from '../measure/move-watch.ts';
import { readConfigs, rollOut } from '../redeploy.ts';
import { askRouter } from '../router-api.ts';
import type { Scenario, Stage } from '../scenario.ts';
import { clientAt, FOUR_SITES, POOL, POOL_PREFIX } from '../topology.ts';
import { waitUntil } from '../wait-until.ts';

/** Who hears of it: a router of another cloud. */
const LISTENER = 'azure-router-a';
const ROUNDS = 3;
/** Nobody else's in any scenario. */
const FIRST = 180;
const DEADLINE_MS = 60_000;

interface Source {
  readonly cloud: 'aws' | 'oci';
  readonly router: string;
  readonly plugin: string;
  readonly env: Readonly<Record<string, string>>;
}

const AWS: Source = {
  cloud: 'aws',
  router: 'aws-router-a',
  plugin: 'aws-inventory',
  env: {
    AWS_ENI: CLOUD_ACCOUNTS.aws.nicId('aws-router-a'),
    AWS_REGION: CLOUD_ACCOUNTS.aws.region,
    AWS_QUEUE_URL: queueUrlOf(CLOUD_ACCOUNTS.aws, 'aws-router-a'),
  },
};
const OCI: Source = {
  cloud: 'oci',
  router: 'oci-router-a',
  plugin: 'oci-inventory',
  env: {
    OCI_VNIC: CLOUD_ACCOUNTS.oci.nicId('oci-router-a'),
    OCI_STREAM: streamOf(CLOUD_ACCOUNTS.oci).id,
    OCI_STREAM_ENDPOINT: streamOf(CLOUD_ACCOUNTS.oci).endpoint,
  },
};
/** The interval is longer than the scenario: what shows was told. */
const FOLLOWED = [{ type: 'interval', every: '30m' }, { type: 'follow' }] as const;
const WAYS = [
  { name: 'AWS by events', source: AWS, tells: 'follow', triggers: FOLLOWED },
  { name: 'AWS every 10 s', source: AWS, tells: 'interval', triggers: [{ type: 'interval', every: '10s' }] },
  { name: 'OCI by events', source: OCI, tells: 'follow', triggers: FOLLOWED },
] as const;
type Way = (typeof WAYS)[number];

export const cloudNews: Scenario = {
  id: 'N1',
  title: 'an address that a machine is given is known everywhere by the event of its cloud, not by the next interval',
  asserts:
    'with an interval of half an hour every address is known, captured and answers elsewhere, since AWS or OCI told of it',
  seconds: 130,
  topology: FOUR_SITES,
  isLong: true,
  runsOnce: true,
  async run(stage) {
    const { lab } = stage;
    const before = readConfigs(lab);
    const routersOf = (names: readonly string[]) => lab.topology.federated.filter(({ name }) => names.includes(name));
    const network = POOL_PREFIX.slice(0, POOL_PREFIX.lastIndexOf('.'));
    const addresses = Array.from({ length: ROUNDS * WAYS.length }, (_, index) => `${network}.${FIRST + index}`);
    try {
      for (const way of WAYS) {
        const { router } = way.source;
        const text = `${before.get(router) ?? ''}---\n${stringify(await pluginOf(lab, way))}`;
        await rollOut(lab, new Map([[router, text]]), routersOf([router]));
        for (const address of addresses.splice(0, ROUNDS)) await appearAndGo(stage, way, address);
      }
    } finally {
      await rollOut(lab, before, routersOf(WAYS.map(({ source }) => source.router)));
    }
  },
};

async function pluginOf(lab: Lab, { source, triggers }: Way): Promise<unknown> {
  return {
    apiVersion: 'plugin.routerd.net/v1alpha1',
    kind: 'Plugin',
    metadata: { name: source.plugin },
    spec: {
      executable: process.execPath,
      args: [await bundledPlugin(source.plugin)],
      timeout: '60s',
      env: {
        ...source.env,
        ROUTERD_FACT_TTL: '1h',
        NODE_EXTRA_CA_CERTS: vendorCaFile(lab.files),
        NODE_COMPILE_CACHE: lab.files.compileCacheDir,
      },
      capabilities: ['observe.cloud'],
      triggers,
      context: { resources: [{ apiVersion: 'mobility.routerd.net/v1alpha1', kind: 'MobilityPool', name: POOL }] },
    },
  };
}

async function appearAndGo(stage: Stage, way: Way, address: string): Promise<void> {
  const { lab, evidence } = stage;
  const { cloud } = way.source;
  const control = cloudControl(lab, cloud);
  const host = clientAt(cloud).name;
  await untilItWatches(lab, way);
  const assignedAt = Date.now();
  await control.changeAddresses(host, { assign: [address] });
  await lab.vm(host).ip([`addr add ${address}/32 dev eth0`]);
  await waitUntil(
    `${LISTENER}: a fact about ${address}`,
    async () => ((await saidAt(lab, way, address)).includes('observed') ? true : undefined),
    { deadlineMs: DEADLINE_MS, everyMs: 20 },
  );
  evidence.measure(`${way.name}: from assigned to a fact at Azure`, Date.now() - assignedAt);
  const peer = clientAt('azure').name;
  const answers = async (): Promise<true | undefined> =>
    (await lab.vm(peer).exec(['ping', '-n', '-c', '1', '-W', '1', address])).ok || undefined;
  await waitUntil(`${peer}: an answer of ${address}`, answers, { deadlineMs: DEADLINE_MS, everyMs: 20 });
  evidence.measure(`${way.name}: from assigned to an answer at Azure`, Date.now() - assignedAt);
  evidence.check(`${address} answers at Azure, and was told by a run for`, way.tells, await lastTrigger(lab, way));
  await untilItWatches(lab, way);
  const goneAt = Date.now();
  await lab.vm(host).ip([`addr del ${address}/32 dev eth0`]);
  await control.changeAddresses(host, { unassign: [address] });
  await waitUntil(
    `${LISTENER}: word that ${address} is gone`,
    async () => ((await saidAt(lab, way, address)).includes('observed') ? undefined : true),
    { deadlineMs: DEADLINE_MS, everyMs: 20 },
  );
  evidence.measure(`${way.name}: from unassigned to a fact at Azure`, Date.now() - goneAt);
}

const plugins = z.object({
  items: z.array(
    z.looseObject({
      name: z.string(),
      following: z.boolean(),
      lastRun: z.looseObject({ trigger: z.string() }).optional(),
    }),
  ),
});
type PluginShown = z.output<typeof plugins>['items'][number];

async function pluginShown(lab: Lab, { router, plugin }: Source): Promise<PluginShown | undefined> {
  const parsed = plugins.safeParse(await askRouter(lab.vm(router), '/v1/plugins'));
  return parsed.data?.items.find(({ name }) => name === plugin);
}

async function lastTrigger(lab: Lab, { source }: Way): Promise<string> {
  return (await pluginShown(lab, source))?.lastRun?.trigger ?? 'none';
}

/** It looked once since it was started, and waits where it is to. */
async function untilItWatches(lab: Lab, { source, triggers }: Way): Promise<void> {
  const follows = triggers.some(({ type }) => type === 'follow');
  await waitUntil(
    `${source.router}: a plugin that watches`,
    async () => {
      const plugin = await pluginShown(lab, source);
      return (plugin?.lastRun !== undefined && plugin.following === follows) || undefined;
    },
    { deadlineMs: DEADLINE_MS, everyMs: 50 },
  );
}

const facts = z.object({
  items: z.array(z.looseObject({ type: z.string(), source: z.string(), subject: z.string() })),
});

/** The types of what the listener knows that the router said about the address, as text. */
async function saidAt(lab: Lab, { source: { router } }: Way, address: string): Promise<string> {
  const parsed = facts.safeParse(await askRouter(lab.vm(LISTENER), '/v1/federation/events'));
  const about = (parsed.data?.items ?? []).filter(
    ({ source, subject }) => source === router && subject === `${address}/32`,
  );
  return about.map(({ type }) => type).join(' ');
}
