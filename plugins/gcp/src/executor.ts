/** The executor: verbs to functions over one connection. */
import { ExecutorError, requiredTarget, type ExecutorPlugin, type NicTarget } from '@routerd/plugin-sdk';
import { assign } from './assign.ts';
import type { Compute } from './compute.ts';
import { readNic } from './edit-nic.ts';
import { setForwarding } from './forwarding.ts';
import { parseNicName, type NicName } from './nic-name.ts';
import { nicStateOf } from './nic-state.ts';
import { check, inventory, preflight } from './reports.ts';
import { unassign } from './unassign.ts';

/** Of the executor, as its package has it. */
const RELEASE = '0.1.0';

export function createGcpExecutor(compute: Compute): ExecutorPlugin {
  return {
    about: { name: 'routerd-gcp', release: RELEASE, providers: ['gcp'], storesEpoch: false },
    inventory: async (nic, page) => inventory(compute, nicNameOf(nic), page),
    check: async (nic, addresses) => check(compute, nicNameOf(nic), addresses),
    preflight: async (nic, actions) => preflight(compute, nicNameOf(nic), actions),
    async observe(nic) {
      return nicStateOf(await readNic(compute, nicNameOf(nic)));
    },
    async execute(call, context) {
      const name = nicNameOf(call.nic);
      switch (call.action) {
        case 'assign-secondary-ip':
          return assign(compute, name, call, context);
        case 'unassign-secondary-ip':
          return unassign(compute, name, call, context);
        case 'ensure-forwarding-enabled':
        case 'ensure-forwarding-disabled':
          return setForwarding(compute, name, call, context);
      }
    },
  };
}

function nicNameOf(nic: NicTarget): NicName {
  const text = requiredTarget(nic, 'nicRef');
  const name = parseNicName(text);
  if (name !== undefined) return name;
  const wanted = 'projects/<project>/zones/<zone>/instances/<instance>/networkInterfaces/nic0';
  throw new ExecutorError('invalid', `target.nicRef has to be ${wanted}, not "${text}"`);
}
