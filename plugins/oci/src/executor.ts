/** The executor: verbs to functions, one connection per region. */
import { requiredTarget, type ExecutorPlugin, type NicTarget } from '@routerd/plugin-sdk';
import { assign, unassign } from './addresses.ts';
import { setForwarding } from './forwarding.ts';
import { readNicState } from './nic-state.ts';
import { check, inventory, preflight } from './reports.ts';
import type { VirtualNetwork } from './virtual-network.ts';

/** Of the executor, as its package has it. */
const RELEASE = '0.1.0';

/** @param connect its region is undefined where the instance's own is meant */
export function createOciExecutor(connect: (region: string | undefined) => VirtualNetwork): ExecutorPlugin {
  const connections = new Map<string | undefined, VirtualNetwork>();
  const connectionFor = (nic: NicTarget): VirtualNetwork => {
    requiredTarget(nic, 'nicRef');
    const region = nic.target['region'];
    const connection = connections.get(region) ?? connect(region);
    connections.set(region, connection);
    return connection;
  };
  return {
    about: { name: 'routerd-oci', release: RELEASE, providers: ['oci'], storesEpoch: true },
    inventory: async (nic, page) => inventory(connectionFor(nic), nic.nicRef, page),
    check: async (nic, addresses) => check(connectionFor(nic), nic.nicRef, addresses),
    preflight: async (nic, actions) => preflight(connectionFor(nic), nic.nicRef, actions),
    async observe(nic) {
      return readNicState(connectionFor(nic), nic.nicRef);
    },
    async execute(call, context) {
      const network = connectionFor(call.nic);
      switch (call.action) {
        case 'assign-secondary-ip':
          return assign(network, call, context);
        case 'unassign-secondary-ip':
          return unassign(network, call, context);
        case 'ensure-forwarding-enabled':
          return setForwarding(network, call, context, true);
        case 'ensure-forwarding-disabled':
          return setForwarding(network, call, context, false);
      }
    },
  };
}
