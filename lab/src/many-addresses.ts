/** One machine on the LAN with many addresses: cheaper than as many machines, and for the LAN's routers the same. */
import type { Lab } from './lab.ts';
import { clientAt } from './topology.ts';

/** Bears them, and says so on the LAN once for each (RFC 5227). */
export async function bearAddresses(lab: Lab, addresses: readonly string[]): Promise<void> {
  const { name, nic } = clientAt('onprem');
  const vm = lab.vm(name);
  await vm.ip(addresses.map((address) => `addr replace ${address}/32 dev ${nic}`));
  const announce = 'for each in "$@"; do arping -q -A -c 1 -I lan0 -s "$each" "$each" & done; wait';
  await vm.output(['sh', '-c', announce, 'sh', ...addresses], { timeoutMs: 30_000 });
}
