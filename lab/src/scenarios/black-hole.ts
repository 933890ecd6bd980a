/** That a path which swallows large packets is survived because of the MSS clamp, and because of nothing else. */
import { flowName, ssh, type Flow } from '../client-flows.ts';
import { copyOverSsh, type Blob } from '../copy.ts';
import { textOf } from '../lab-fault.ts';
import { handshaken, startPairRouter } from '../pair-routers.ts';
import { signalProcess } from '../process-table.ts';
import type { Stage } from '../scenario.ts';
import { waitUntil } from '../wait-until.ts';

/** A copy takes about five seconds when segments fit, and does not get beyond the key exchange when they do not. */
const STALL_MS = 8000;
const CLAMP_TABLE = ['table', 'inet', 'routerd_mss'] as const;

/**
 * routerd would put the clamp back within a second, so it is killed first; the tunnel and the routes stay, small packets pass, large ones do not. Started
 * again, routerd puts the clamp back, and the same copy passes.
 */
export async function provesClamp(
  stage: Stage,
  blob: Blob,
  { routers, flows }: { readonly routers: readonly string[]; readonly flows: readonly Flow[] },
): Promise<void> {
  const { lab, evidence } = stage;
  for (const name of routers) {
    evidence.file(`clamp/${name}.txt`, await lab.vm(name).nftOutput('list', ...CLAMP_TABLE));
    const killed = signalProcess(lab.daemon(name, 'routerd'), 'SIGKILL');
    evidence.check(`${name}: routerd was running and is killed`, 'yes', killed ? 'yes' : 'no');
    await lab.vm(name).nft(`delete ${CLAMP_TABLE.join(' ')}\n`);
  }
  await Promise.all(flows.map(async (flow) => stalls(stage, flow, blob)));
  await Promise.all(routers.map(async (name) => startPairRouter(lab, name)));
  await Promise.all(routers.map(async (name) => clampIsBack(stage, name)));
  for (const flow of flows) {
    const copied = await copyOverSsh(lab, flow, blob);
    evidence.check(`100 MiB copied ${flowName(flow)} with the clamp back: sha256`, blob.sha256, copied);
  }
}

async function stalls({ lab, evidence }: Stage, flow: Flow, blob: Blob): Promise<void> {
  const name = flowName(flow);
  const small = await lab.vm(flow.from.name).exec(['ping', '-n', '-c', '1', '-W', '2', '-s', '1000', flow.to.address]);
  evidence.check(`${name} without a clamp: a packet of 1028 bytes is answered`, 'yes', small.ok ? 'yes' : 'no');
  const large = await lab
    .vm(flow.from.name)
    .exec(['ping', '-n', '-c', '1', '-W', '2', '-s', '1372', '-M', 'dont', flow.to.address]);
  evidence.check(`${name} without a clamp: a packet of 1400 bytes is answered`, 'no', large.ok ? 'yes' : 'no');
  const copied = await ssh(lab, flow, 'sha256sum', { inputFile: blob.file, timeoutMs: STALL_MS });
  evidence.file(`clamp/stalled-${name.replace('->', '-')}.txt`, textOf(copied));
  const how = copied.ok ? 'a whole copy' : 'no copy';
  evidence.check(`${name} without a clamp: what comes through in ${STALL_MS / 1000} s`, 'no copy', how);
}

async function clampIsBack({ lab, evidence }: Stage, name: string): Promise<void> {
  await handshaken(lab, name);
  await waitUntil(
    `${name}: the clamp again`,
    async () => (await lab.vm(name).nftOutput('list', 'tables')).includes(CLAMP_TABLE.join(' ')) || undefined,
    { deadlineMs: 10_000, everyMs: 50 },
  );
  const rules = await lab.vm(name).nftOutput('list', ...CLAMP_TABLE);
  const both = [/iifname \S+ oifname "?wg-hybrid/, /iifname "?wg-hybrid"? oifname/].filter((way) => way.test(rules));
  evidence.check(`${name}: the clamp stands again, towards the tunnel and from it`, '2 ways', `${both.length} ways`);
}
