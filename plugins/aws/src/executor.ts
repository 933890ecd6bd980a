/** The executor: verbs to functions, one connection per region. */
import { requiredTarget, type ExecutorPlugin, type NicTarget } from '@routerd/plugin-sdk';
import { assign } from './assign.ts';
import { readOwn } from './calls.ts';
import { setForwarding } from './forwarding.ts';
import type { Ec2 } from './network-interface.ts';
import { nicStateOf } from './nic-state.ts';
import { check, inventory, preflight } from './reports.ts';
import { unassign } from './unassign.ts';

/** Of the executor, as its package has it. */
const RELEASE = '0.1.0';

export function createAwsExecutor(connect: (region: string) => Ec2): ExecutorPlugin {
  const connections = new Map<string, Ec2>();
  const connectionFor = (nic: NicTarget): Ec2 => {
    requiredTarget(nic, 'nicRef');
    const region = requiredTarget(nic, 'region');
    const connection = connections.get(region) ?? connect(region);
    connections.set(region, connection);
    return connection;
  };
  return {
    about: { name: 'routerd-aws', release: RELEASE, providers: ['aws'], storesEpoch: false },
    inventory: async (nic, page) => inventory(connectionFor(nic), nic.nicRef, page),
    check: async (nic, addresses) => check(connectionFor(nic), nic.nicRef, addresses),
    preflight: async (nic, actions) => preflight(connectionFor(nic), nic.nicRef, actions),
    async observe(nic) {
      return nicStateOf(await readOwn(connectionFor(nic), nic.nicRef));
    },
    async execute(call, context) {
      const ec2 = connectionFor(call.nic);
      switch (call.action) {
        case 'assign-secondary-ip':
          return assign(ec2, call, context);
        case 'unassign-secondary-ip':
          return unassign(ec2, call, context);
        case 'ensure-forwarding-enabled':
          return setForwarding(ec2, call, context, true);
        case 'ensure-forwarding-disabled':
          return setForwarding(ec2, call, context, false);
      }
    },
  };
}
