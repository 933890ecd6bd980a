/**
 * A group from nothing: hubs and sites join by their tokens alone, and learn all else from the operator's signed list, which he gives to the hubs:
 *
 *   operator .20   hub-1 .1   hub-2 .2   hub-3 .3   (hub-4 .4)   10.99.0.0/24
 *       └─────────────┴── br0 ───┴──────────┴───────┬───────┬───────┬───────┐
 *                                                onprem   aws    azure    oci      .11 to .14
 */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { parseToken } from '@routerd/federation';
import { runCommand } from '@routerd/runtime';
import { z } from 'zod';
import { openChaosNet } from './chaos-net.ts';
import { ChaosSite } from './chaos-site.ts';
import { ServingHub } from './serving-hub.ts';

const SITES = ['onprem', 'aws', 'azure', 'oci'] as const;
const ROUTERCTL = path.resolve(import.meta.dirname, '../../../routerctl/src/main.ts');

export interface GrowthRig {
  /** In the order in which they joined. */
  readonly hubs: readonly ServingHub[];
  readonly sites: readonly ChaosSite[];
  /** `routerctl federation …` on the operator's machine. @returns what it said on stdout */
  operator(...args: readonly string[]): Promise<string>;
  /** What `routerctl federation …` said on stderr as it refused; undefined when it did as it was told. */
  refusal(...args: readonly string[]): Promise<string | undefined>;
  /** By how many hubs the streams are kept, and the names of those that keep all; 0 and none when nobody answers. */
  copies(): Promise<z.output<typeof copies>>;
  /** Enrols the next hub and starts it. */
  addHub(): Promise<ServingHub>;
  close(): Promise<void>;
}

const copies = z.object({ replicas: z.number(), keepers: z.array(z.string()) });

/** One hub, four sites. Resolves when the sites run; the hub may still be starting. */
export async function openGrowthRig(): Promise<GrowthRig> {
  // Named as those of the chaos, which sweeps up after a test that was killed.
  const folder = mkdtempSync(path.join(os.tmpdir(), `routerd-chaos-${process.pid}-`));
  const undo: (() => Promise<void>)[] = [async () => Promise.resolve(rmSync(folder, { recursive: true, force: true }))];
  const close = async (): Promise<void> => {
    for (const step of undo.splice(0).toReversed()) await step();
  };
  try {
    const net = await openChaosNet(`rch${process.pid}`);
    undo.push(async () => net.close());
    const operatorNamespace = await net.add('operator', '10.99.0.20');
    const material = ['--folder', path.join(folder, 'group')];
    const routerctl = async (args: readonly string[]): ReturnType<typeof runCommand> => {
      const command = ['ip', 'netns', 'exec', operatorNamespace, process.execPath, ROUTERCTL, 'federation'] as const;
      return runCommand([...command, ...args, ...material], { timeoutMs: 60_000 });
    };
    const operator = async (...args: readonly string[]): Promise<string> => {
      const result = await routerctl(args);
      if (!result.ok) throw new Error(`routerctl federation ${args.join(' ')}: ${result.error.stderr}`);
      return result.value.stdout.trim();
    };
    const refusal = async (...args: readonly string[]): Promise<string | undefined> => {
      const result = await routerctl(args);
      return result.ok ? undefined : result.error.stderr;
    };
    const hubs: ServingHub[] = [];
    const sites: ChaosSite[] = [];
    const addHub = async (): Promise<ServingHub> => {
      const name = `hub-${hubs.length + 1}`;
      const address = `10.99.0.${hubs.length + 1}`;
      const hub = new ServingHub(await net.add(name, address), address, path.join(folder, name));
      const at = `${address}:4222`;
      const isFirst = hubs.length === 0;
      hubs.push(hub);
      await hub.join(
        isFirst
          ? await operator('init', '--group', 'chaos', '--hub', `${name}=${at}`)
          : await operator('add-node', name, '--hub', at),
      );
      hub.start();
      undo.push(async () => hub.kill());
      return hub;
    };
    const copiesNow = async (): ReturnType<GrowthRig['copies']> => {
      const program = path.join(import.meta.dirname, 'growth-operator.ts');
      const argv = ['ip', 'netns', 'exec', operatorNamespace, process.execPath, program] as const;
      const result = await runCommand([...argv, path.join(folder, 'group')], { timeoutMs: 30_000 });
      return result.ok ? copies.parse(JSON.parse(result.value.stdout)) : { replicas: 0, keepers: [] };
    };
    await addHub();
    for (const [index, name] of SITES.entries()) {
      const namespace = await net.add(name, `10.99.0.${11 + index}`);
      const stateDir = path.join(folder, name);
      mkdirSync(stateDir, { recursive: true, mode: 0o700 });
      const enrolment = parseToken(await operator('add-node', name));
      if (!enrolment.ok) throw new Error(enrolment.error.detail);
      const { seed, servers, rosterKey = '' } = enrolment.value;
      const tls = { caFile: path.join(folder, 'group', 'ca.pem'), rosterKey };
      // A node that joined before the others learns of them by the list alone.
      const site = new ChaosSite(namespace, {
        self: name,
        seed,
        servers: [...servers],
        peers: {},
        stateDir,
        octet: 10 + index,
        tls,
        others: SITES.filter((other) => other !== name),
      });
      sites.push(site);
      undo.push(async () => site.kill());
    }
    await Promise.all(sites.map(async (site) => site.start()));
    return { hubs, sites, operator, refusal, copies: copiesNow, addHub, close };
  } catch (cause) {
    await close();
    throw cause;
  }
}
