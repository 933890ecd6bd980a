/** The two routers of a pair: what an operator types on them, from the key to the running daemon. */
import path from 'node:path';
import { filledInExample, type PairSide } from './examples.ts';
import { textOf } from './lab-fault.ts';
import type { Lab } from './lab.ts';
import { routerDir } from './lab-files.ts';
import { isReady } from './router-api.ts';
import { peersShaken, startRouterd } from './routers.ts';
import type { Stage } from './scenario.ts';
import type { Cloud } from './topology.ts';
import { waitUntil } from './wait-until.ts';

/** Where the files of an installed routerd are; in a machine of the lab it is a tmpfs of its own, because the rest of the file system is the host's. */
const CONFIG_ROOT = '/usr/local/etc';
const CONFIG_FILE = `${CONFIG_ROOT}/routerd/router.yaml`;

/** The commands in the comments of the example files. */
const MAKE_KEY = `install -d -m 700 /usr/local/etc/routerd/secrets
(umask 077 && wg genkey > /usr/local/etc/routerd/secrets/wireguard.key)
wg pubkey < /usr/local/etc/routerd/secrets/wireguard.key`;

/** Makes keys, exchanges the public ones, writes and validates the configurations. */
export async function applyExamples(
  { lab, evidence }: Stage,
  cloud: Cloud,
  routers: Readonly<Record<PairSide, string>>,
): Promise<void> {
  const makeKey = async (side: PairSide): Promise<string> => {
    const vm = lab.vm(routers[side]);
    await vm.output(['mount', '-t', 'tmpfs', '-o', 'mode=755', 'tmpfs', CONFIG_ROOT]);
    return (await vm.output(['sh', '-ec', MAKE_KEY])).trim();
  };
  const [cloudKey, onpremKey] = await Promise.all([makeKey('cloud'), makeKey('onprem')]);
  const keys = { cloud: cloudKey, onprem: onpremKey };
  await Promise.all(
    (['cloud', 'onprem'] as const).map(async (side) => {
      const vm = lab.vm(routers[side]);
      const text = filledInExample(cloud, side, keys);
      evidence.file(`${vm.name}.yaml`, text);
      await vm.output(['sh', '-ec', `cat > ${CONFIG_FILE}`], { input: text });
      const validated = await vm.exec(['routerd', 'validate', '--config', CONFIG_FILE]);
      const said = (validated.ok ? validated.value.stdout : validated.error.stderr).trim();
      evidence.file(`${vm.name}-validate.txt`, said);
      evidence.check(`${vm.name}: routerd validate`, 'valid', validated.ok ? 'valid' : said);
      const plan = await planOf(lab, vm.name);
      evidence.check(
        `${vm.name}: routerd plan before it runs`,
        'Plan: N to add, …',
        plan,
        /^Plan: [1-9]\d* to add/.test(plan),
      );
    }),
  );
}

/** Also starts it again after it was killed. */
export async function startPairRouter(lab: Lab, name: string): Promise<void> {
  await startRouterd(lab, name, { configFile: CONFIG_FILE, stateDir: stateDirOf(lab, name) });
}

/** `routerd plan` while no daemon runs. @returns its last line, which counts */
export async function planOf(lab: Lab, name: string): Promise<string> {
  const argv = ['routerd', 'plan', '--config', CONFIG_FILE, '--state-dir', stateDirOf(lab, name)];
  const planned = await lab.vm(name).exec(argv);
  // 2: there is something to do.
  const said = planned.ok || planned.error.exitCode === 2 ? textOf(planned) : `failed: ${textOf(planned)}`;
  return said.trim().split('\n').at(-1) ?? '';
}

function stateDirOf(lab: Lab, name: string): string {
  return path.join(routerDir(lab.files, name), 'state');
}

/** Ready by its own word, and its tunnel up by the kernel's. */
export async function handshaken(lab: Lab, name: string): Promise<void> {
  const vm = lab.vm(name);
  await lab.untilDaemon(name, 'routerd', 'being ready', async () => isReady(vm), { deadlineMs: 30_000, everyMs: 50 });
  await waitUntil(`${name}: a handshake`, async () => (await peersShaken(vm)) > 0 || undefined, {
    deadlineMs: 30_000,
    everyMs: 50,
  });
}
