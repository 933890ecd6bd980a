/**
 * P1, P2, P3: the two example files of a cloud are applied on two routers, and two machines of one subnet talk as if they stood side by side. What the comments of
 * the files ask of the operator is done here by hand; nothing else is prepared.
 */
import { loadBaseline, readBaseline } from '../baseline.ts';
import { assignByHand } from '../by-hand.ts';
import { flowName, ping, reaches, type Flow } from '../client-flows.ts';
import { controlSocket } from '../cloud-accounts.ts';
import { CloudControl } from '../cloud/control-client.ts';
import { writeBlob } from '../copy.ts';
import { textOf } from '../lab-fault.ts';
import { PAIRS, type Pair } from '../pair-topology.ts';
import { applyExamples, handshaken, startPairRouter } from '../pair-routers.ts';
import type { Scenario, Stage } from '../scenario.ts';
import { differences } from '../snapshot.ts';
import type { Client, Cloud, RouterPlace } from '../topology.ts';
import { provesClamp } from './black-hole.ts';
import { clientsUnchanged, COPY_BYTES, copyRounds, nothingTranslates, pingAll, sshAll } from './flow-checks.ts';

const REACH_DEADLINE_MS = 20_000;
const WIREGUARD_PORT = 51_820;

export const p1 = pairScenario('P1', 'azure', 'Azure and Proxmox, one subnet: the example files as they are');
export const p2 = pairScenario('P2', 'aws', 'AWS and Proxmox, one subnet: the example files as they are');
export const p3 = pairScenario('P3', 'oci', 'OCI and Proxmox, one subnet, over a path of 1420 bytes that says nothing');

function pairScenario(id: string, cloud: Cloud, title: string): Scenario {
  const pair = PAIRS[cloud];
  return { id, title, topology: pair, run: async (stage) => run(stage, pair) };
}

/** What stands at one side: its router, its client, and the address that lives there and is captured at the other side. */
interface Side {
  readonly router: RouterPlace;
  readonly client: Client;
}

function sidesOf({ routers, clients }: Pair): { readonly cloud: Side; readonly onprem: Side } {
  const [cloudRouter, pveRouter] = routers;
  const [cloudClient, pveClient] = clients;
  if (!cloudRouter || !pveRouter || !cloudClient || !pveClient) throw new Error('two sides expected');
  return {
    cloud: { router: cloudRouter, client: cloudClient },
    onprem: { router: pveRouter, client: pveClient },
  };
}

async function run(stage: Stage, pair: Pair): Promise<void> {
  const { lab, evidence, progress } = stage;
  const { cloud, onprem } = sidesOf(pair);
  const there: Flow = { from: cloud.client, to: onprem.client };
  const back: Flow = { from: onprem.client, to: cloud.client };

  await strangersBefore(stage, [there, back]);
  await assignByHand(lab, pair.cloud, cloud.router.name, onprem.client.address);
  const control = new CloudControl(controlSocket(lab.files, pair.cloud));
  const changesByHand = await mutations(control);

  await applyExamples(stage, pair.cloud, { cloud: cloud.router.name, onprem: onprem.router.name });
  const start = performance.now();
  await startPairRouter(lab, cloud.router.name);
  // The other order works too, five seconds later: that is when WireGuard dials again (REKEY_TIMEOUT, WireGuard paper, section 6.1).
  await lab.vm(cloud.router.name).listening(WIREGUARD_PORT, 'udp');
  await startPairRouter(lab, onprem.router.name);
  await Promise.all([cloud, onprem].map(async ({ router }) => handshaken(lab, router.name)));
  for (const { from, to } of [there, back]) await reaches(lab, from.name, to.address, REACH_DEADLINE_MS);
  evidence.measure('from the start of both routerd to answers both ways', performance.now() - start);

  await pingAll(stage, [there, back]);
  await sshAll(stage, [there, back]);
  const blob = await writeBlob(lab.files, COPY_BYTES);
  const id = evidence.scenario;
  await progress.step(`${id}: 100 MiB over SSH each way`, async () => copyRounds(stage, blob, [[there], [back]]));
  if (pair.underlayMtu !== undefined) {
    const sides = { routers: pair.routers.map(({ name }) => name), flows: [there, back] };
    await progress.step(`${id}: without the clamp a copy stalls, with it it does not`, async () =>
      provesClamp(stage, blob, sides),
    );
  }
  await nothingTranslates(stage, pair.routers);
  await nothingElseChanged(stage, pair);
  evidence.check(
    `changes at ${pair.cloud} besides those made by hand`,
    'none',
    (await mutations(control)).slice(changesByHand.length).join(', ') || 'none',
  );
}

/** Else the scenario would prove nothing. */
async function strangersBefore({ lab, evidence }: Stage, flows: readonly Flow[]): Promise<void> {
  await Promise.all(
    flows.map(async (flow) => {
      const { received } = await ping(lab, flow.from.name, flow.to.address, 1);
      evidence.check(`${flowName(flow)}: answers before routerd is there`, '0', `${received}`);
    }),
  );
}

async function mutations(control: CloudControl): Promise<readonly string[]> {
  return (await control.journal()).filter(({ mutating }) => mutating).map(({ operation }) => operation);
}

async function nothingElseChanged({ lab, evidence }: Stage, pair: Pair): Promise<void> {
  const before = loadBaseline(lab);
  const now = await readBaseline(lab);
  clientsUnchanged(evidence, pair.clients, { before, now });
  evidence.file('routes-before.json', JSON.stringify(before, undefined, 2));
  evidence.file('routes-after.json', JSON.stringify(now, undefined, 2));
  const { cloud, onprem } = sidesOf(pair);
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
