/** The executor: verbs to functions over one connection. */
import {
  assignWholeNic,
  peerNics,
  requiredTarget,
  unassignWholeNic,
  type ExecutorPlugin,
  type NicTarget,
} from '@routerd/plugin-sdk';
import type { Compute } from './compute.ts';
import { gcpNics, nicNameOf } from './edit-nic.ts';
import { setForwarding } from './forwarding.ts';
import type { NicName } from './nic-name.ts';
import { nicStateOf } from './nic-state.ts';
import { check, inventory, preflight } from './reports.ts';

/** Of the executor, as its package has it. */
const RELEASE = '0.1.0';

export function createGcpExecutor(compute: Compute): ExecutorPlugin {
  const nics = gcpNics(compute);
  return {
    about: { name: 'routerd-gcp', release: RELEASE, providers: ['gcp'], storesEpoch: false },
    inventory: async (nic, page) => inventory(compute, nameOf(nic), page),
    check: async (nic, addresses) => check(compute, nameOf(nic), addresses),
    preflight: async (nic, actions) =>
      preflight(compute, { own: nameOf(nic), peers: peerNics(nic).map(nicNameOf) }, actions),
    async observe(nic) {
      return nicStateOf(await nics.read(requiredTarget(nic, 'nicRef')));
    },
    async execute(call, context) {
      const name = nameOf(call.nic);
      switch (call.action) {
        case 'assign-secondary-ip':
          return assignWholeNic(nics, call, context);
        case 'unassign-secondary-ip':
          return unassignWholeNic(nics, call, context);
        case 'ensure-forwarding-enabled':
        case 'ensure-forwarding-disabled':
          return setForwarding(compute, name, call, context);
      }
    },
  };
}

function nameOf(nic: NicTarget): NicName {
  return nicNameOf(requiredTarget(nic, 'nicRef'));
}
