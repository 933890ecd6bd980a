/** D9: a machine moves from the LAN to AWS and back with its address, by an operator's hand-over; those who talk to it go on by themselves. */
import type { Lab } from '../lab.ts';
import { cloudControl } from '../measure/move-watch.ts';
import { SteadyPing } from '../measure/steady-ping.ts';
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
  topology: FOUR_SITES,
  async run(stage) {
    const [machine] = await bootNewcomers(stage.lab, [unusedAddress(stage.lab)]);
    if (machine === undefined) throw new Error('no machine was booted');
    await firstPing(machine);
    for (const peer of PEERS) await reached(stage.lab, peer.name, machine.address);
    const pings = await Promise.all(
      PEERS.map(async ({ name }) => SteadyPing.start(stage.lab.vm(name), machine.address, 5)),
    );
    const control = cloudControl(stage.lab, 'aws');
    const since = (await control.journal()).at(-1)?.sequence ?? 0;
    await toAws(stage, machine);
    await toLan(stage, machine);
    const calls = (await control.journal(since)).filter(({ mutating }) => mutating);
    stage.evidence.count('aws: mutating API calls, refused ones included', calls.length);
    for (const [index, ping] of pings.entries()) {
      const { text, lost, answered, ...times } = await ping.stop();
      const name = `${PEERS[index]?.site ?? ''}->moving machine`;
      stage.evidence.file(`ping-${index}.txt`, text);
      stage.evidence.probed({ name, sent: answered + lost.length, ...times });
      stage.evidence.count(
        `${name}: packets lost, from the machine's end at one site to its start at the other included`,
        lost.length,
      );
      stage.evidence.measure(`${name}: longest gap between answers`, times.longestGapMs);
    }
  },
};

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

async function toAws(stage: Stage, { vm, address }: Newcomer): Promise<void> {
  const { lab, evidence } = stage;
  await handOver(stage, address, { from: 'onprem', to: 'aws' });
  const downAt = Date.now();
  evidence.mark('the machine is shut down on the LAN', downAt);
  await vm.ip(['link set lan0 down']);
  await cloudControl(lab, 'aws').changeAddresses(HOST, { assign: [address] });
  await lab.vm(HOST).ip([`addr add ${address}/32 dev eth0`]);
  await emit(lab, 'observed', address);
  for (const { name } of PEERS) {
    evidence.measure(
      `AWS: from the machine's start to an answer at ${name}`,
      (await reached(lab, name, address)) - downAt,
    );
  }
  evidence.mark('the machine answers from AWS', Date.now());
  await waitUntil(
    `onprem: a router attracts ${address}`,
    async () => ((await attractedAt(lab, 'onprem', address)) ? true : undefined),
    { deadlineMs: 30_000, everyMs: 20 },
  );
  await answersAt(stage, { where: 'AWS', from: clientAt('onprem').name, address });
}

async function toLan(stage: Stage, machine: Newcomer): Promise<void> {
  const { lab, evidence } = stage;
  const { address } = machine;
  await handOver(stage, address, { from: 'aws', to: 'onprem' });
  const downAt = Date.now();
  evidence.mark('the machine is shut down at AWS', downAt);
  await emit(lab, 'expired', address);
  await lab.vm(HOST).ip([`addr del ${address}/32 dev eth0`]);
  await cloudControl(lab, 'aws').changeAddresses(HOST, { unassign: [address] });
  await machine.vm.ip(['link set lan0 up', 'route replace default via 10.77.60.1 dev lan0']);
  await firstPing(machine);
  for (const { name } of PEERS) {
    evidence.measure(
      `LAN: from the machine's start to an answer at ${name}`,
      (await reached(lab, name, address)) - downAt,
    );
  }
  evidence.mark('the machine answers from the LAN', Date.now());
  await waitUntil(
    `aws: a router attracts ${address}`,
    async () => ((await attractedAt(lab, 'aws', address)) ? true : undefined),
    { deadlineMs: 30_000, everyMs: 20 },
  );
  await answersAt(stage, { where: 'the LAN', from: clientAt('aws').name, address });
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
