/** What is asked of a pair besides its flows. */
import { loadBaseline, readBaseline } from '../baseline.ts';
import { flowName, ping, type Flow } from '../client-flows.ts';
import { textOf } from '../lab-fault.ts';
import { macOf } from '../mac-address.ts';
import type { Pair, Sides } from '../pair-topology.ts';
import { planOf } from '../pair-routers.ts';
import { isRunning, signalProcess } from '../process-table.ts';
import type { Stage } from '../scenario.ts';
import { differences } from '../snapshot.ts';
import type { Client, RouterPlace } from '../topology.ts';
import { waitUntil } from '../wait-until.ts';
import { clientsUnchanged } from './flow-checks.ts';

/** In the subnet, at no site, and in no claim. */
const UNCLAIMED = '10.0.0.8';

/** cloud-init and its relatives put a NIC's secondary addresses on the guest: then the router would answer itself, instead of the machine whose address it is. */
export async function guestAgentIsCorrected(
  { lab, evidence }: Stage,
  router: RouterPlace,
  { address }: Client,
  flow: Flow,
): Promise<void> {
  const vm = lab.vm(router.name);
  const start = performance.now();
  await vm.ip([`addr add ${address}/24 dev ${router.nic}`]);
  await waitUntil(
    `${router.name}: ${address} taken off ${router.nic} again`,
    async () => !(await vm.ipOutput('-br', '-4', 'addr', 'show')).includes(`${address}/`) || undefined,
    { deadlineMs: 5000 },
  );
  evidence.measure(
    `${address}, put on ${router.nic} as a guest agent does, is off again after`,
    performance.now() - start,
  );
  const { received, sent } = await ping(lab, flow.from.name, address);
  evidence.check(`${flowName(flow)} after that`, '3 of 3 answers', `${received} of ${sent} answers`);
}

/** Proxy ARP is for the claimed address alone: a machine of the LAN that asks for another one, which nobody has, gets no answer. */
export async function onlyTheClaimIsAnsweredFor({ lab, evidence }: Stage, { cloud, onprem }: Sides): Promise<void> {
  const { name, nic } = onprem.client;
  const answersFor = async (address: string): Promise<string> => {
    const text = textOf(await lab.vm(name).exec(['arping', '-c', '2', '-w', '2', '-I', nic, address]));
    evidence.file(`arping-${address}.txt`, text);
    const answers = [...text.matchAll(/Unicast reply from \S+ \[([0-9A-Fa-f:]{17})\]/g)];
    return [...new Set(answers.map(([, mac = '']) => mac.toLowerCase()))].join(' ') || 'none';
  };
  const [claimed, unclaimed] = await Promise.all([cloud.client.address, UNCLAIMED].map(answersFor));
  evidence.check(`who answers ARP for ${cloud.client.address}`, macOf(onprem.router.address), claimed ?? 'none');
  evidence.check(`who answers ARP for ${UNCLAIMED}, which nobody has`, 'none', unclaimed ?? 'none');
}

/** The kernel forwards, not routerd. */
export async function goesOnWithoutRouterd(
  { lab, evidence }: Stage,
  routers: Pair['routers'],
  flows: readonly Flow[],
): Promise<void> {
  for (const { name } of routers) {
    const routerd = lab.daemon(name, 'routerd');
    signalProcess(routerd, 'SIGTERM');
    await waitUntil(`${name}: the end of routerd`, () => !isRunning(routerd) || undefined, { deadlineMs: 10_000 });
    const nothing = 'Plan: 0 to add, 0 to change, 0 to remove.';
    evidence.check(`${name}: routerd plan after it was stopped`, nothing, await planOf(lab, name));
  }
  for (const flow of flows) {
    const { received, sent } = await ping(lab, flow.from.name, flow.to.address);
    evidence.check(
      `${flowName(flow)} with routerd stopped on both routers`,
      '3 of 3 answers',
      `${received} of ${sent} answers`,
    );
  }
}

export async function nothingElseChanged({ lab, evidence }: Stage, { cloud, onprem }: Sides): Promise<void> {
  const before = loadBaseline(lab);
  const now = await readBaseline(lab);
  clientsUnchanged(evidence, [cloud.client, onprem.client], { before, now });
  evidence.file('routes-before.json', JSON.stringify(before, undefined, 2));
  evidence.file('routes-after.json', JSON.stringify(now, undefined, 2));
  const remotes: readonly (readonly [RouterPlace, Client])[] = [
    [cloud.router, onprem.client],
    [onprem.router, cloud.client],
  ];
  for (const [router, remote] of remotes) {
    const { name } = router;
    evidence.check(`${name}: default route`, before[name]?.defaultRoute ?? '', now[name]?.defaultRoute ?? '');
    const changed = differences(before[name]?.routes ?? '', now[name]?.routes ?? '').split('\n');
    const lost = changed.filter((line) => line.startsWith('-'));
    evidence.check(`${name}: routes it had before and lost`, 'none', lost.join('; ') || 'none');
    const added = changed.filter((line) => line.startsWith('+') && !/^\+(local|broadcast) /.test(line));
    evidence.check(
      `${name}: routes it got`,
      `${remote.address} dev wg-hybrid; 10.255.0.0/30 dev wg-hybrid`,
      added
        .map((line) => line.slice(1).split(' ').slice(0, 3).join(' '))
        .toSorted()
        .join('; '),
    );
    const addresses = textOf(await lab.vm(name).exec(['ip', '-br', '-4', 'addr', 'show']));
    evidence.file(`addresses/${name}.txt`, addresses);
    const has = addresses.includes(`${remote.address}/`) ? 'yes' : 'no';
    evidence.check(`${name}: has ${remote.address} itself`, 'no', has);
  }
}
