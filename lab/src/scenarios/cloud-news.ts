/** N1: an address that a machine of AWS is given, known at the other sites by AWS's own event, and by an interval for comparison. */
import { stringify } from 'yaml';
import { z } from 'zod';
import { queueUrlOf } from '../cloud/aws/sqs-api.ts';
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

const ROUTER = 'aws-router-a';
/** Who hears of it: a router of another cloud. */
const LISTENER = 'azure-router-a';
const HOST = clientAt('aws').name;
const ROUNDS = 3;
/** Nobody else's in any scenario. */
const FIRST = 180;
const DEADLINE_MS = 60_000;

/** The interval of the first is longer than the scenario: what shows was told. */
const WAYS = [
  { name: 'by events', tells: 'follow', triggers: [{ type: 'interval', every: '30m' }, { type: 'follow' }] },
  { name: 'every 10 s', tells: 'interval', triggers: [{ type: 'interval', every: '10s' }] },
] as const;
type Way = (typeof WAYS)[number];

export const cloudNews: Scenario = {
  id: 'N1',
  title: 'an address that a machine of AWS is given is known everywhere by the event of AWS, not by the next interval',
  asserts:
    'with an interval of half an hour every address is known, captured and answers elsewhere, since AWS told of it',
  seconds: 90,
  topology: FOUR_SITES,
  isLong: true,
  runsOnce: true,
  async run(stage) {
    const { lab } = stage;
    const before = readConfigs(lab);
    const router = lab.topology.federated.find(({ name }) => name === ROUTER);
    if (router === undefined) throw new Error(`there is no ${ROUTER}`);
    const network = POOL_PREFIX.slice(0, POOL_PREFIX.lastIndexOf('.'));
    const addresses = Array.from({ length: ROUNDS * WAYS.length }, (_, index) => `${network}.${FIRST + index}`);
    try {
      for (const way of WAYS) {
        const text = `${before.get(ROUTER) ?? ''}---\n${stringify(await pluginOf(lab, way))}`;
        await rollOut(lab, new Map([[ROUTER, text]]), [router]);
        for (const address of addresses.splice(0, ROUNDS)) await appearAndGo(stage, way, address);
      }
    } finally {
      await rollOut(lab, before, [router]);
    }
  },
};

async function pluginOf(lab: Lab, { triggers }: Way): Promise<unknown> {
  const aws = CLOUD_ACCOUNTS.aws;
  return {
    apiVersion: 'plugin.routerd.net/v1alpha1',
    kind: 'Plugin',
    metadata: { name: 'aws-inventory' },
    spec: {
      executable: process.execPath,
      args: [await bundledPlugin('aws-inventory')],
      timeout: '60s',
      env: {
        AWS_ENI: aws.nicId(ROUTER),
        AWS_REGION: aws.region,
        AWS_QUEUE_URL: queueUrlOf(aws, ROUTER),
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
  const control = cloudControl(lab, 'aws');
  await untilItWatches(lab, way);
  const assignedAt = Date.now();
  await control.changeAddresses(HOST, { assign: [address] });
  await lab.vm(HOST).ip([`addr add ${address}/32 dev eth0`]);
  await waitUntil(
    `${LISTENER}: a fact about ${address}`,
    async () => ((await saidAt(lab, address)).includes('observed') ? true : undefined),
    { deadlineMs: DEADLINE_MS, everyMs: 20 },
  );
  evidence.measure(`${way.name}: from assigned at AWS to a fact at Azure`, Date.now() - assignedAt);
  const peer = clientAt('azure').name;
  const answers = async (): Promise<true | undefined> =>
    (await lab.vm(peer).exec(['ping', '-n', '-c', '1', '-W', '1', address])).ok || undefined;
  await waitUntil(`${peer}: an answer of ${address}`, answers, { deadlineMs: DEADLINE_MS, everyMs: 20 });
  evidence.measure(`${way.name}: from assigned at AWS to an answer at Azure`, Date.now() - assignedAt);
  evidence.check(`${address} answers at Azure, and was told by a run for`, way.tells, await lastTrigger(lab));
  await untilItWatches(lab, way);
  const goneAt = Date.now();
  await lab.vm(HOST).ip([`addr del ${address}/32 dev eth0`]);
  await control.changeAddresses(HOST, { unassign: [address] });
  await waitUntil(
    `${LISTENER}: word that ${address} is gone`,
    async () => ((await saidAt(lab, address)).includes('observed') ? undefined : true),
    { deadlineMs: DEADLINE_MS, everyMs: 20 },
  );
  evidence.measure(`${way.name}: from unassigned at AWS to a fact at Azure`, Date.now() - goneAt);
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

async function pluginShown(lab: Lab): Promise<PluginShown | undefined> {
  const parsed = plugins.safeParse(await askRouter(lab.vm(ROUTER), '/v1/plugins'));
  return parsed.data?.items.find(({ name }) => name === 'aws-inventory');
}

async function lastTrigger(lab: Lab): Promise<string> {
  return (await pluginShown(lab))?.lastRun?.trigger ?? 'none';
}

/** It looked once since it was started, and waits where it is to. */
async function untilItWatches(lab: Lab, { triggers }: Way): Promise<void> {
  const follows = triggers.some(({ type }) => type === 'follow');
  await waitUntil(
    `${ROUTER}: a plugin that watches`,
    async () => {
      const plugin = await pluginShown(lab);
      return (plugin?.lastRun !== undefined && plugin.following === follows) || undefined;
    },
    { deadlineMs: DEADLINE_MS, everyMs: 50 },
  );
}

const facts = z.object({
  items: z.array(z.looseObject({ type: z.string(), source: z.string(), subject: z.string() })),
});

/** The types of what the listener knows that the router said about the address, as text. */
async function saidAt(lab: Lab, address: string): Promise<string> {
  const parsed = facts.safeParse(await askRouter(lab.vm(LISTENER), '/v1/federation/events'));
  const about = (parsed.data?.items ?? []).filter(
    ({ source, subject }) => source === ROUTER && subject === `${address}/32`,
  );
  return about.map(({ type }) => type).join(' ');
}
