/** The executor: verbs to functions over one connection. */
import {
  assignWholeNic,
  ExecutorError,
  peerNics,
  requiredTarget,
  unassignWholeNic,
  type ExecutorPlugin,
  type NicTarget,
} from '@routerd/plugin-sdk';
import type { Arm } from './arm.ts';
import { azureNics } from './edit-nic.ts';
import { setForwarding } from './forwarding.ts';
import { nicStateOf } from './nic-state.ts';
import { check, inventory, preflight } from './reports.ts';

/** Of the executor, as its package has it. */
const RELEASE = '0.1.0';

/** NICs of uniform scale sets hang under the scale set and cannot be written one by one. */
const NIC_ID =
  /^\/subscriptions\/[^/]+\/resourceGroups\/[^/]+\/providers\/Microsoft\.Network\/networkInterfaces\/[^/]+$/i;

export function createAzureExecutor(arm: Arm): ExecutorPlugin {
  const nics = azureNics(arm);
  return {
    about: { name: 'routerd-azure', release: RELEASE, providers: ['azure'], storesEpoch: true },
    inventory: async (nic, page) => inventory(arm, nicIdOf(nic), page),
    check: async (nic, addresses) => check(arm, nicIdOf(nic), addresses),
    preflight: async (nic, actions) => preflight(arm, { id: nicIdOf(nic), peers: peerNics(nic) }, actions),
    async observe(nic) {
      return nicStateOf(await nics.read(nicIdOf(nic)));
    },
    async execute(call, context) {
      nicIdOf(call.nic);
      switch (call.action) {
        case 'assign-secondary-ip':
          return assignWholeNic(nics, call, context);
        case 'unassign-secondary-ip':
          return unassignWholeNic(nics, call, context);
        case 'ensure-forwarding-enabled':
          return setForwarding(nics, call, context, true);
        case 'ensure-forwarding-disabled':
          return setForwarding(nics, call, context, false);
      }
    },
  };
}

function nicIdOf(nic: NicTarget): string {
  const id = requiredTarget(nic, 'nicRef');
  if (!NIC_ID.test(id)) {
    throw new ExecutorError('invalid', `target.nicRef has to be the resource id of a network interface, not "${id}"`);
  }
  return id;
}
