/** R1: each routerd in turn is killed with -9 in the middle of traffic; nothing that flows notices, and the kernel is never touched. */
import { flowName, type Flow } from '../client-flows.ts';
import type { Lab } from '../lab.ts';
import { KernelWatch } from '../measure/kernel-watch.ts';
import { SteadyCopy } from '../measure/steady-copy.ts';
import { SteadyPing } from '../measure/steady-ping.ts';
import { PROBE_INTERVAL_MS } from '../measure/traffic.ts';
import { signalProcess } from '../process-table.ts';
import { routerReady, startRouter } from '../routers.ts';
import type { Scenario, Stage } from '../scenario.ts';
import { differences, kernelState } from '../snapshot.ts';
import { clientAt, FOUR_SITES, ROUTERS, type Router, type Site } from '../topology.ts';

const flow = (from: Site, to: Site): Flow => ({ from: clientAt(from), to: clientAt(to) });
/** Together they cross every router that carries traffic, in both directions. */
const FLOWS: readonly Flow[] = [
  flow('onprem', 'aws'),
  flow('aws', 'azure'),
  flow('azure', 'oci'),
  flow('oci', 'onprem'),
];
const COPIES: readonly Flow[] = [flow('aws', 'onprem'), flow('azure', 'oci')];

export const restart: Scenario = {
  id: 'R1',
  title: 'every routerd killed with -9 under traffic: no packet lost, no change in any kernel',
  asserts:
    'no probe of four flows lost, two copies intact, no event from any kernel, its state before and after the same',
  seconds: 15,
  topology: FOUR_SITES,
  async run(stage) {
    const { lab, evidence } = stage;
    const before = new Map(await Promise.all(ROUTERS.map(async (router) => stateOf(lab, router))));
    const watches = await Promise.all(ROUTERS.map(async (router) => KernelWatch.start(lab.vm(router.name))));
    const pings = await Promise.all(
      FLOWS.map(async ({ from, to }) => SteadyPing.start(lab.vm(from.name), to.address, PROBE_INTERVAL_MS)),
    );
    const copies = await Promise.all(COPIES.map(async (each) => SteadyCopy.start(lab, each)));
    for (const router of ROUTERS) await killAndStart(stage, router);
    for (const [index, copy] of copies.entries()) {
      const { sent, received, bytes } = await copy.stop();
      const name = flowName(COPIES[index] ?? flow('aws', 'onprem'));
      evidence.check(`${name}: sha256 of ${bytes} bytes copied over SSH across the restarts`, sent, received);
    }
    await judgePings(stage, pings);
    for (const [index, router] of ROUTERS.entries()) {
      await judgeKernel(stage, router, before.get(router.name) ?? '', watches[index]);
    }
  },
};

async function stateOf(lab: Lab, router: Router): Promise<readonly [string, string]> {
  return [router.name, await kernelState(lab.vm(router.name))];
}

async function killAndStart({ lab, evidence }: Stage, router: Router): Promise<void> {
  const killed = signalProcess(lab.daemon(router.name, 'routerd'), 'SIGKILL');
  evidence.check(`${router.name}: routerd was running and is killed`, 'yes', killed ? 'yes' : 'no');
  evidence.mark(`${router.name}: routerd killed`, Date.now());
  const start = performance.now();
  await startRouter(lab, router);
  await routerReady(lab, router);
  evidence.measure(`${router.name}: ready again after`, performance.now() - start);
}

async function judgePings({ evidence }: Stage, pings: readonly SteadyPing[]): Promise<void> {
  for (const [index, ping] of pings.entries()) {
    const name = flowName(FLOWS[index] ?? flow('onprem', 'aws'));
    const { answered, lost, text, ...times } = await ping.stop();
    evidence.probed({ name, sent: answered + lost.length, ...times });
    evidence.file(`ping-${name.replace('->', '-')}.txt`, text);
    const numbers = lost.length > 20 ? `${lost.slice(0, 20).join(' ')} …` : lost.join(' ');
    evidence.check(
      `${name}: packets lost, one sent every ${PROBE_INTERVAL_MS} ms`,
      '0',
      lost.length === 0 ? '0' : `${lost.length}, ${answered} answered: ${numbers}`,
    );
    evidence.check(`${name}: packets answered`, 'at least 1000', `${answered}`, answered >= 1000);
    evidence.measure(`${name}: longest gap between answers`, times.longestGapMs);
  }
}

async function judgeKernel(
  { lab, evidence }: Stage,
  router: Router,
  before: string,
  watch: KernelWatch | undefined,
): Promise<void> {
  const after = await kernelState(lab.vm(router.name));
  const changed = differences(before, after);
  evidence.file(`${router.name}/before.txt`, before);
  evidence.file(`${router.name}/after.txt`, after);
  evidence.check(
    `${router.name}: difference of the kernel's state before and after`,
    'none',
    changed === '' ? 'none' : changed,
  );
  const events = watch?.stop() ?? ['the monitor was not running'];
  evidence.file(`${router.name}/monitor.txt`, events.join('\n'));
  evidence.check(
    `${router.name}: changes that the kernel reported meanwhile`,
    'none',
    events.length === 0 ? 'none' : events.slice(0, 5).join(' | '),
  );
}
