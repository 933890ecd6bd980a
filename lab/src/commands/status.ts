import { openLab, type Lab } from '../lab.ts';
import { isRunning } from '../process-table.ts';
import { renderTable } from '../progress.ts';
import { isReady } from '../router-api.ts';
import { peersShaken } from '../routers.ts';
import { hostNamesOf, peersOf, type Topology } from '../topology.ts';

/** @returns 1 when a machine or a daemon is down, or a router is not ready */
export async function status(labName: string): Promise<number> {
  const lab = openLab(labName);
  const hosts = hostNamesOf(lab.topology);
  const place = (name: string): number => (hosts.includes(name) ? hosts.indexOf(name) : hosts.length);
  const names = lab.record.vms.map(({ hostName }) => hostName).toSorted((a, b) => place(a) - place(b));
  const rows = await Promise.all(names.map(async (name) => rowOf(lab, name)));
  const table = renderTable(['HOST', 'ADDRESS', 'DAEMONS', 'STATE'], rows);
  const wan = lab.record.wanDelayMs === 0 ? 'no delay' : `${lab.record.wanDelayMs} ms each way`;
  if (!lab.record.ready) process.stdout.write('This lab was not built to its end.\n\n');
  process.stdout.write(
    `${table}\n\nWAN: ${wan}   cloud APIs: ${lab.record.apiLatencyMs} ms a change   logs: ${lab.files.logDir}\n`,
  );
  return rows.every((row) => row[3]?.startsWith('up')) ? 0 : 1;
}

async function rowOf(lab: Lab, hostName: string): Promise<readonly string[]> {
  const daemons = lab.record.daemons.filter((daemon) => daemon.hostName === hostName);
  const names = daemons.map(({ name, process }) => (isRunning(process) ? name : `${name} (dead)`));
  return [hostName, addressOf(lab.topology, hostName), names.join(', ') || '-', await stateOf(lab, hostName, daemons)];
}

async function stateOf(lab: Lab, hostName: string, daemons: Lab['record']['daemons']): Promise<string> {
  const vm = lab.vm(hostName);
  if (!vm.isUp()) return 'down';
  if (daemons.some(({ process }) => !isRunning(process))) return 'daemon dead';
  if (!lab.topology.routers.some(({ name }) => name === hostName)) return 'up';
  if (!(await isReady(vm))) return 'not ready';
  return `up, ready, ${await peersShaken(vm)} of ${tunnelsOf(lab.topology, hostName)} tunnels`;
}

/** A router of a pair has one tunnel. */
function tunnelsOf({ federated }: Topology, routerName: string): number {
  const router = federated.find(({ name }) => name === routerName);
  return router === undefined ? 1 : peersOf(router, federated).length;
}

function addressOf({ routers, clients, fabrics, hub }: Topology, hostName: string): string {
  const router = routers.find(({ name }) => name === hostName);
  if (router !== undefined) {
    const wan = router.wanAddress === undefined ? '' : `  wan ${router.wanAddress}`;
    return `${router.address}${wan}  overlay ${router.overlay}`;
  }
  const client = clients.find(({ name }) => name === hostName);
  if (client !== undefined) return client.address;
  const fabric = fabrics.find(({ name }) => name === hostName);
  if (fabric !== undefined) return `wan ${fabric.wanAddress}`;
  return hostName === hub?.name ? `wan ${hub.address}` : '-';
}
