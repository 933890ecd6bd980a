/** A router that loses its power, and gets it back: what ran is gone, what was on its disk is there. */
import { readlinkSync } from 'node:fs';
import type { Lab } from './lab.ts';
import { isRunning, processesIn, signalProcess, type ProcessId } from './process-table.ts';
import { routerReady, startRouter } from './routers.ts';
import { GATEWAY, isCloud, type Router } from './topology.ts';
import type { Vm } from './vm.ts';
import { waitUntil } from './wait-until.ts';

/** Every process inside of the machine but its holder, whose end would be the end of the namespaces. */
export function processesInside({ record }: Vm): readonly ProcessId[] {
  const own = pidNamespaceOf(record.holder.pid);
  return processesIn([record.namespace]).filter(
    ({ pid }) => pid !== record.holder.pid && own !== undefined && pidNamespaceOf(pid) === own,
  );
}

function pidNamespaceOf(pid: number): string | undefined {
  try {
    return readlinkSync(`/proc/${pid}/ns/pid`);
  } catch {
    return undefined; // gone meanwhile
  }
}

function nicsOf(router: Router): readonly string[] {
  return isCloud(router.site) ? [router.nic] : [router.nic, 'wan0'];
}

/** Nobody says good-bye: links first, so that not even the kernel does. @returns when, by the wall clock in milliseconds */
export async function powerOff(lab: Lab, router: Router): Promise<number> {
  const vm = lab.vm(router.name);
  const at = Date.now();
  await vm.ip(nicsOf(router).map((nic) => `link set ${nic} down`));
  for (const each of processesInside(vm)) signalProcess(each, 'SIGKILL');
  await waitUntil(
    `${router.name}: the end of its tunnels`,
    async () => (/: wg-/.test(await vm.ipOutput('-o', 'link', 'show')) ? undefined : true),
    { deadlineMs: 5000 },
  );
  return at;
}

/** As an operator who shuts it down: every program is asked to end and does, then the links go. @returns when, by the wall clock in milliseconds */
export async function shutDown(lab: Lab, router: Router): Promise<number> {
  const vm = lab.vm(router.name);
  const at = Date.now();
  const asked = processesInside(vm);
  for (const each of asked) signalProcess(each, 'SIGTERM');
  await waitUntil(`${router.name}: the end of its programs`, () => (asked.some(isRunning) ? undefined : true), {
    deadlineMs: 10_000,
  });
  await vm.ip(nicsOf(router).map((nic) => `link set ${nic} down`));
  for (const each of processesInside(vm)) signalProcess(each, 'SIGKILL'); // what was started meanwhile
  return at;
}

/** For those that come after somebody who broke off: routers that have no daemon get their power back. */
export async function powerOnAll(lab: Lab): Promise<void> {
  const off = lab.topology.federated.filter(({ name }) => !isRunning(lab.daemon(name, 'routerd')));
  await Promise.all(off.map(async (router) => powerOn(lab, router)));
}

/** Resolves when routerd is ready and has shaken hands with every peer that is up. */
export async function powerOn(lab: Lab, router: Router): Promise<void> {
  const vm = lab.vm(router.name);
  await vm.ip(nicsOf(router).map((nic) => `link set ${nic} up`));
  // A link that goes down takes its routes along (the addresses stay); booting would bring them back.
  if (isCloud(router.site)) await vm.ip([`route replace default via ${GATEWAY} dev ${router.nic}`]);
  await startRouter(lab, router);
  await routerReady(lab, router);
}
