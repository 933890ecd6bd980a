/** D9: a machine moves from the LAN to AWS and back with its address, by an operator's hand-over; those who talk to it go on by themselves. */
import type { ProbedFlow } from '../evidence.ts';
import type { Lab } from '../lab.ts';
import { cloudControl } from '../measure/move-watch.ts';
import { SteadyPing } from '../measure/steady-ping.ts';
import { PROBE_INTERVAL_MS } from '../measure/traffic.ts';
import { bootNewcomers, firstPing, unusedAddress, type Newcomer } from '../newcomers.ts';
import { routerctl } from '../router-orders.ts';
import type { Scenario, Stage } from '../scenario.ts';
import { clientAt, FOUR_SITES, POOL, type Site } from '../topology.ts';
import { waitUntil } from '../wait-until.ts';
import { OPERATOR, preferred } from './holders.ts';

/** The cloud's machine that takes the address over, as one that was built from the other's image would. */
const HOST = clientAt('aws').name;
/** Who talks to it all the time, from sites that it never is at. */
const PEERS = [clientAt('azure'), clientAt('oci')];

export const movingMachine: Scenario = {
  id: 'D9',
  title: 'a machine moves from the LAN to AWS and back, its address unchanged, by a planned hand-over',
  asserts:
    'nothing is lost while the machine runs, at either site; the new site is free before it comes; peers go on by themselves, also those at the site it left',
  seconds: 5,
  topology: FOUR_SITES,
  async run(stage) {
    const [machine] = await bootNewcomers(stage.lab, [unusedAddress(stage.lab)]);
    if (machine === undefined) throw new Error('no machine was booted');
    await firstPing(machine);
    for (const peer of PEERS) await reached(stage.lab, peer.name, machine.address);
    const pings = await Promise.all(
      PEERS.map(async ({ name }) => SteadyPing.start(stage.lab.vm(name), machine.address, PROBE_INTERVAL_MS)),
    );
    const control = cloudControl(stage.lab, 'aws');
    const since = (await control.journal()).at(-1)?.sequence ?? 0;
    const away = [await toAws(stage, machine, pings), await toLan(stage, machine, pings)];
    const calls = (await control.journal(since)).filter(({ mutating }) => mutating);
    stage.evidence.count('aws: mutating API calls, refused ones included', calls.length);
    for (const [index, ping] of pings.entries()) {
      const { text, lost, answered, ...times } = await ping.stop();
      stage.evidence.file(`ping-${index}.txt`, text);
      const flow = { name: `${PEERS[index]?.site ?? ''}->moving machine`, sent: answered + lost.length, ...times };
      stage.evidence.probed(flow);
      judgeLosses(stage, flow, away);
    }
  },
};

/** When the machine was nowhere, and was back for somebody who talks to it. Wall clock, milliseconds. */
interface Absence {
  readonly to: string;
  /** It is about to be shut down at one site. */
  readonly from: number;
  /** It runs at the other, and that site has been told or shown so. */
  readonly startedAt: number;
  /** An answer from there, by peer in their order. */
  readonly answeredAt: readonly number[];
}

/** A probe may be under way when the machine goes, and fping tells the time of a lost one to the nearest that it tells of. */
const UNDER_WAY_MS = 100;
/** From its first sign of life at the new site to an answer: the registry and eight daemons on a busy machine; no provider's call is waited for. */
const FOLLOW_LIMIT_MS = 2000;

/** As long as the machine runs somewhere it is reached; while it is nowhere nobody can help. */
function judgeLosses({ evidence }: Stage, { name, lostAt, longestGapMs }: ProbedFlow, away: readonly Absence[]): void {
  const isAway = (at: number): boolean =>
    away.some(({ from, answeredAt }) => at >= from - UNDER_WAY_MS && at <= Math.max(...answeredAt) + UNDER_WAY_MS);
  const needless = lostAt.filter((at) => !isAway(at));
  evidence.check(`${name}: probes lost while the machine ran and was where it had been`, '0', `${needless.length}`);
  evidence.count(`${name}: probes lost, the machine's absence included`, lostAt.length);
  evidence.measure(`${name}: longest gap between answers, the machine's absence included`, longestGapMs);
}

/** @param pings of the peers, in their order: a question of its own would wait a second for an answer that was lost */
async function measureAbsence(
  { evidence }: Stage,
  pings: readonly SteadyPing[],
  started: Omit<Absence, 'answeredAt'>,
): Promise<Absence> {
  const { to, from, startedAt } = started;
  evidence.measure(`${to}: the machine was nowhere for`, startedAt - from);
  const answeredAt = await Promise.all(
    pings.map(async (ping, index) =>
      waitUntil(`${PEERS[index]?.name ?? ''}: an answer from ${to}`, () => ping.answeredSince(startedAt), {
        deadlineMs: 30_000,
      }),
    ),
  );
  for (const [index, at] of answeredAt.entries()) {
    const title = `${to}: from the machine's start to an answer at ${PEERS[index]?.name ?? ''}`;
    const tookMs = at - startedAt;
    evidence.measure(title, tookMs);
    evidence.check(title, `under ${FOLLOW_LIMIT_MS} ms`, `${tookMs.toFixed(0)} ms`, tookMs < FOLLOW_LIMIT_MS);
  }
  evidence.mark(`the machine answers from ${to}`, Math.max(...answeredAt));
  return { ...started, answeredAt };
}

async function reached(lab: Lab, from: string, address: string): Promise<number> {
  await waitUntil(
    `${from}: an answer from ${address}`,
    async () => ((await lab.vm(from).exec(['ping', '-n', '-c', '1', '-W', '1', address])).ok ? true : undefined),
    { deadlineMs: 30_000, everyMs: 20 },
  );
  return Date.now();
}

/** Whether any router of the site still attracts the address. */
async function attractedAt(lab: Lab, site: Site, address: string): Promise<boolean> {
  if (site === 'onprem') {
    const proxies = await Promise.all(
      ['onprem-router-a', 'onprem-router-b'].map(async (name) =>
        lab.vm(name).ipOutput('neigh', 'show', 'proxy', 'dev', 'lan0'),
      ),
    );
    return proxies.some((text) => text.split('\n').some((line) => line.split(' ')[0] === address));
  }
  if (site !== 'aws') throw new Error(`${site} is not on this machine's way`);
  const { nics } = await cloudControl(lab, site).state();
  return nics.some(({ instance, controlPlane }) => /router/.test(instance) && controlPlane.addresses.includes(address));
}

async function handOver(
  stage: Stage,
  address: string,
  { from, to }: { readonly from: Site; readonly to: Site },
): Promise<void> {
  const { lab, evidence } = stage;
  const start = Date.now();
  evidence.mark(`hand-over from ${from} to ${to} ordered`, start);
  const said = await routerctl(lab, OPERATOR, 'mobility', 'hand-over', address, '--to', to, '--reason', 'move');
  evidence.check(
    `routerctl mobility hand-over ${address} --to ${to} says`,
    `${address} goes to ${to} as soon as that site sees it.`,
    said.text.replace('/32', ''),
  );
  await waitUntil(
    `${to}: no router attracts ${address} any more`,
    async () => ((await attractedAt(lab, to, address)) ? undefined : true),
    { deadlineMs: 30_000, everyMs: 20 },
  );
  evidence.measure(`hand-over to ${to}: from the order to ${to} free of the address`, Date.now() - start);
}

async function toAws(stage: Stage, { vm, address }: Newcomer, pings: readonly SteadyPing[]): Promise<Absence> {
  const { lab, evidence } = stage;
  await handOver(stage, address, { from: 'onprem', to: 'aws' });
  const from = Date.now();
  evidence.mark('the machine is shut down on the LAN', from);
  await vm.ip(['link set lan0 down']);
  await cloudControl(lab, 'aws').changeAddresses(HOST, { assign: [address] });
  await lab.vm(HOST).ip([`addr add ${address}/32 dev eth0`]);
  await emit(lab, 'observed', address);
  const startedAt = Date.now();
  evidence.mark('the machine runs at AWS, whose routers were told', startedAt);
  const absence = await measureAbsence(stage, pings, { to: 'AWS', from, startedAt });
  await attractedAgain(stage, 'onprem', address);
  await answersAt(stage, { where: 'AWS', from: clientAt('onprem').name, address });
  return absence;
}

/** Nobody tells AWS that the machine is gone: that follows from the order, as soon as the LAN sees it. */
async function toLan(stage: Stage, machine: Newcomer, pings: readonly SteadyPing[]): Promise<Absence> {
  const { lab, evidence } = stage;
  const { address } = machine;
  await handOver(stage, address, { from: 'aws', to: 'onprem' });
  const from = Date.now();
  evidence.mark('the machine is shut down at AWS', from);
  await lab.vm(HOST).ip([`addr del ${address}/32 dev eth0`]);
  await cloudControl(lab, 'aws').changeAddresses(HOST, { unassign: [address] });
  await machine.vm.ip(['link set lan0 up', 'route replace default via 10.77.60.1 dev lan0']);
  const startedAt = Date.now();
  evidence.mark('the machine runs on the LAN', startedAt);
  const [absence] = await Promise.all([
    measureAbsence(stage, pings, { to: 'the LAN', from, startedAt }),
    firstPing(machine),
  ]);
  await attractedAgain(stage, 'aws', address);
  await answersAt(stage, { where: 'the LAN', from: clientAt('aws').name, address });
  await isAtPeace(stage, address);
  return absence;
}

/** The site that it left captures it for those who stayed there. */
async function attractedAgain({ lab }: Stage, site: Site, address: string): Promise<void> {
  await waitUntil(
    `${site}: a router attracts ${address}`,
    async () => ((await attractedAt(lab, site, address)) ? true : undefined),
    { deadlineMs: 30_000, everyMs: 20 },
  );
}

/** What was seen at the other site before has no say any more. */
async function isAtPeace({ lab, evidence }: Stage, address: string): Promise<void> {
  const { text } = await routerctl(lab, OPERATOR, 'mobility', 'leases');
  const line = text.split('\n').find((each) => each.includes(`${address}/32`) || each.includes(`${address} `)) ?? text;
  evidence.file('lease.txt', line);
  const disputed = /conflict/i.exec(line)?.[0] ?? 'none';
  evidence.check(`${address}: sites that dispute the lease after both hand-overs`, 'none', disputed);
}

/** From the site that it left, too, by way of a capture there. */
async function answersAt(
  { lab, evidence }: Stage,
  { where, from, address }: { readonly where: string; readonly from: string; readonly address: string },
): Promise<void> {
  const answered = await reached(lab, from, address).then(
    () => 'yes',
    () => 'no',
  );
  evidence.check(`at ${where} the machine answers ${from}`, 'yes', answered);
}

/** What an inventory would tell of the cloud; here the operator does. */
export async function emit(lab: Lab, what: 'observed' | 'expired', address: string): Promise<void> {
  const type = `routerd.client.ipv4.${what}`;
  const words = ['--type', type, '--pool', POOL, '--address', `${address}/32`];
  await lab
    .vm(preferred('aws'))
    .output(['routerctl', 'federation', 'event', 'emit', ...words, ...(what === 'observed' ? ['--ttl', '24h'] : [])]);
}
