/**
 * P1, P2, P3: the two example files of a cloud are applied on two routers, and two machines of one subnet talk as if they stood side by side. What the comments of
 * the files ask of the operator is done here by hand; nothing else is prepared.
 */
import { assignByHand } from '../by-hand.ts';
import { flowName, ping, reaches, type Flow } from '../client-flows.ts';
import { controlSocket } from '../cloud-accounts.ts';
import { CloudControl } from '../cloud/control-client.ts';
import { writeBlob } from '../copy.ts';
import { PAIRS, sidesOf, type Pair } from '../pair-topology.ts';
import { applyExamples, handshaken, startPairRouter } from '../pair-routers.ts';
import type { Scenario, Stage } from '../scenario.ts';
import type { Cloud } from '../topology.ts';
import { provesClamp } from './black-hole.ts';
import { COPY_BYTES, copyRounds, nothingTranslates, pingAll, sshAll } from './flow-checks.ts';
import {
  goesOnWithoutRouterd,
  guestAgentIsCorrected,
  nothingElseChanged,
  onlyTheClaimIsAnsweredFor,
} from './pair-checks.ts';

const REACH_DEADLINE_MS = 20_000;
const WIREGUARD_PORT = 51_820;

export const p1 = pairScenario('P1', 'azure', 'Azure and Proxmox, one subnet: the example files as they are');
export const p2 = pairScenario('P2', 'aws', 'AWS and Proxmox, one subnet: the example files as they are');
export const p3 = pairScenario('P3', 'oci', 'OCI and Proxmox, one subnet, over a path of 1420 bytes that says nothing');

function pairScenario(id: string, cloud: Cloud, title: string): Scenario {
  const pair = PAIRS[cloud];
  const asserts =
    id === 'P1'
      ? 'both ways ping, SSH and 100 MiB arrive; sources kept, nothing translated; gateways and other routes as before; all of it goes on without routerd'
      : `as P1${pair.underlayMtu === undefined ? '' : '; a copy stalls without the clamp, and passes with it'}`;
  const seconds = pair.underlayMtu === undefined ? 20 : 45;
  return { id, title, asserts, seconds, topology: pair, isLong: true, run: async (stage) => run(stage, pair) };
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
  await guestAgentIsCorrected(stage, cloud.router, onprem.client, there);
  await onlyTheClaimIsAnsweredFor(stage, { cloud, onprem });
  if (pair.underlayMtu !== undefined) {
    const sides = { routers: pair.routers.map(({ name }) => name), flows: [there, back] };
    await progress.step(`${id}: without the clamp a copy stalls, with it it does not`, async () =>
      provesClamp(stage, blob, sides),
    );
  }
  await nothingTranslates(stage, pair.routers);
  await goesOnWithoutRouterd(stage, pair.routers, [there, back]);
  await nothingElseChanged(stage, { cloud, onprem });
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
