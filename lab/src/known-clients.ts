/**
 * Makes the clients known: the clouds' by a fact that an operator emits on their site's first router, the on-prem one by its own first packet. Then waits
 * until every directed flow passes.
 */
import { directedFlows, reaches } from './client-flows.ts';
import type { Lab } from './lab.ts';
import { clientAt, GATEWAY, POOL, routersAt, type EmulatedCloud } from './topology.ts';

/** Includes what the emulated APIs take to assign nine addresses. */
const REACH_DEADLINE_MS = 60_000;

export async function makeClientsKnown(lab: Lab): Promise<void> {
  const { clients, fabrics } = lab.topology;
  await Promise.all([
    ...fabrics.map(async ({ cloud }) => emitFact(lab, cloud)),
    lab.vm(clientAt('onprem').name).exec(['ping', '-n', '-c', '1', '-W', '1', GATEWAY]),
  ]);
  await Promise.all(
    directedFlows(clients).map(async ({ from, to }) => reaches(lab, from.name, to.address, REACH_DEADLINE_MS)),
  );
}

async function emitFact(lab: Lab, cloud: EmulatedCloud): Promise<void> {
  const [router] = routersAt(cloud);
  if (router === undefined) throw new Error(`no router at ${cloud}`);
  const what = ['--type', 'routerd.client.ipv4.observed', '--pool', POOL, '--address', `${clientAt(cloud).address}/32`];
  await lab.vm(router.name).output(['routerctl', 'federation', 'event', 'emit', ...what, '--ttl', '24h']);
}
