/**
 * Each site in turn is cut off for a minute under load, as are the two routers whose kernels are watched. Prints how long everybody takes to agree
 * again; ends with 1 when somebody does not, or when a kernel was touched: `npm run x -- node packages/routerd/test/bench/long-partition.ts [SECONDS]`.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { expectConverged, untilEach } from '../chaos/chaos-checks.ts';
import { openChaosRig, type ChaosRig } from '../chaos/chaos-rig.ts';

const seconds = Number(process.argv[2] ?? 60);
const rig = await openChaosRig();
process.once('SIGINT', () => void rig.close().then(() => process.exit(130)));
try {
  await expectConverged(rig, 'start');
  for (const witness of rig.witnesses) {
    await untilEach(async () => witness.isServing(), `${witness.name} captures and delivers`);
    await witness.watch();
  }
  for (const away of [...rig.sites, ...rig.witnesses]) await cutOff(away.name);
  process.exitCode = (await untouched(rig)) ? 0 : 1;
} finally {
  await rig.close();
}

async function cutOff(away: string): Promise<void> {
  const load = (facts: number): void => {
    for (const site of rig.sites) site.tell({ kind: 'load', facts, contends: facts > 0 });
  };
  load(100);
  await rig.net.unplug(away);
  await sleep(seconds * 1000);
  await rig.net.plug(away);
  load(0);
  await expectConverged(rig, `${away} cut off for ${seconds} s`);
}

async function untouched({ witnesses }: ChaosRig): Promise<boolean> {
  let isSame = true;
  for (const witness of witnesses) {
    const { state, reported } = await witness.changes();
    isSame &&= state.length === 0 && reported === '';
    process.stdout.write(`${witness.name}: ${state.length === 0 ? 'kernel as before' : state.join('\n')}\n${reported}`);
  }
  return isSame;
}
