/** D12: two machines with one address, at two sites: the one that was there first keeps its traffic, and the operator is told. */
import { reaches } from '../client-flows.ts';
import { LabFault } from '../lab-fault.ts';
import { MoveWatch } from '../measure/move-watch.ts';
import { checkNoneLost, PROBE_INTERVAL_MS } from '../measure/traffic.ts';
import { SteadyPing } from '../measure/steady-ping.ts';
import { bootNewcomers, firstPing, unusedAddress } from '../newcomers.ts';
import type { Scenario, Stage } from '../scenario.ts';
import { clientAt, FOUR_SITES } from '../topology.ts';
import type { Vm } from '../vm.ts';
import { waitUntil } from '../wait-until.ts';
import { emit } from './moving-machine.ts';

/** The second machine with that address. */
const SECOND = clientAt('aws').name;
const PEERS = [clientAt('azure'), clientAt('oci')];
const PROBES = 400;

export const duplicate: Scenario = {
  id: 'D12',
  title: 'two machines with one address at two sites: no traffic is hijacked, and the operator is told',
  asserts:
    'no probe lost, none comes to the second machine, nothing moves, the second claim is refused with its reason',
  seconds: 4,
  topology: FOUR_SITES,
  async run(stage) {
    const { lab, evidence } = stage;
    const twice = unusedAddress(lab);
    const [first] = await bootNewcomers(lab, [twice]);
    if (first === undefined) throw new Error('no machine was booted');
    await firstPing(first);
    const watch = await MoveWatch.start(lab, 'aws');
    await waitUntil(
      `aws: the fabric carries ${twice} to a router`,
      () => watch.events.some((event) => event.event === 'fabric.captured' && event.address === twice) || undefined,
      { deadlineMs: 30_000 },
    );
    for (const { name } of PEERS) await reaches(lab, name, twice, 30_000);
    const pings = await Promise.all(
      PEERS.map(async ({ name }) => SteadyPing.start(lab.vm(name), twice, PROBE_INTERVAL_MS)),
    );
    await lab.vm(SECOND).ip([`addr add ${twice}/32 dev eth0`]);
    const before = await Promise.all([echoesSeenBy(first.vm), echoesSeenBy(lab.vm(SECOND))]);
    evidence.mark('a second machine claims the address at AWS', Date.now());
    const told = await claimAgain(stage, twice);
    evidence.check('what the operator is told of the second claim', 'captured', /captured/.exec(told)?.[0] ?? told);
    await Promise.all(pings.map(async (ping) => ping.answered(PROBES)));
    const after = await Promise.all([echoesSeenBy(first.vm), echoesSeenBy(lab.vm(SECOND))]);
    await judge(stage, pings, { first: after[0] - before[0], second: after[1] - before[1] });
    evidence.checkMoves('captures in the AWS fabric, the first of this address included', {
      expected: 1,
      counted: watch.moves,
    });
    await watch.stop(stage, 'duplicate');
    await lab.vm(SECOND).ip([`addr del ${twice}/32 dev eth0`]);
  },
};

/** @returns what the operator reads who says that the address is seen at AWS */
async function claimAgain({ lab, evidence }: Stage, address: string): Promise<string> {
  const told = await emit(lab, 'observed', address).then(
    () => 'taken in',
    (cause: unknown) => (cause instanceof LabFault ? cause.message : String(cause)),
  );
  evidence.file('second-claim.txt', told);
  return told;
}

async function judge(
  stage: Stage,
  pings: readonly SteadyPing[],
  echoes: { readonly first: number; readonly second: number },
): Promise<void> {
  const flows = [];
  for (const [index, ping] of pings.entries()) {
    const { lost, answered, text, ...times } = await ping.stop();
    stage.evidence.file(`ping-${index}.txt`, text);
    const flow = { name: `${PEERS[index]?.site ?? ''}->first machine`, sent: answered + lost.length, ...times };
    stage.evidence.probed(flow);
    flows.push(flow);
  }
  checkNoneLost(stage, flows);
  const { first, second } = echoes;
  stage.evidence.check('probes that came to the first machine', 'at least 100', `${first}`, first >= 100);
  stage.evidence.check('probes that came to the second machine', '0', `${second}`);
}

/** Echo requests that a machine's kernel has received since it started: `Icmp: InEchos` of /proc/net/snmp (RFC 2011). */
async function echoesSeenBy(vm: Vm): Promise<number> {
  const [names = '', values = ''] = (await vm.output(['cat', '/proc/net/snmp']))
    .split('\n')
    .filter((line) => line.startsWith('Icmp:'));
  return Number(values.split(' ')[names.split(' ').indexOf('InEchos')] ?? 0);
}
