/** The executor: look first, change what is left in one call, look again. */
import {
  AddressResults,
  bareAddress,
  ExecutorError,
  failed,
  forEvery,
  PROVIDERS,
  skipped,
  succeeded,
  type CallContext,
  type ExecuteCall,
  type ExecuteReport,
  type ExecutorPlugin,
  whyNotTaken,
} from '@routerd/plugin-sdk';
import { executorError } from './classify.ts';
import { nicStateOf, ownNic } from './own-nic.ts';
import { holderOf, type Provider } from './provider.ts';
import { check, inventory, preflight } from './reports.ts';

export function createFakeExecutor(cloud: Provider): ExecutorPlugin {
  return {
    about: { name: 'fake', release: '0.1.0', providers: PROVIDERS, storesEpoch: false },
    inventory: async (nic, page) => inventory(cloud, nic, page),
    check: async (nic, addresses) => check(cloud, nic, addresses),
    preflight: async (nic, actions) => preflight(cloud, nic, actions),
    async observe(nic) {
      return nicStateOf(await ownNic(cloud, nic));
    },
    async execute(call, context) {
      switch (call.action) {
        case 'assign-secondary-ip':
          return assign(cloud, call, context);
        case 'unassign-secondary-ip':
          return unassign(cloud, call, context);
        case 'ensure-forwarding-enabled':
          return setForwarding(cloud, call, context, true);
        case 'ensure-forwarding-disabled':
          return setForwarding(cloud, call, context, false);
      }
    },
  };
}

async function assign(cloud: Provider, call: ExecuteCall, context: CallContext): Promise<ExecuteReport> {
  const { nicRef } = call.nic;
  await ownNic(cloud, call.nic);
  const results = new AddressResults(call.addresses);
  const takeFrom = new Set<string>();
  const nics = await cloud.nics();
  for (const { address, seizeFrom } of call.addresses) {
    const bare = bareAddress(address);
    const holder = holderOf(nics, bare);
    if (!bare.startsWith('10.77.60.')) results.settle(failed(address, 'invalid', `${bare} is outside the subnet`));
    else if (holder === undefined) continue;
    else if (holder.isPrimary) results.settle(failed(address, 'held-elsewhere', `${bare} is a primary address`));
    else if (holder.nicRef === nicRef) results.settle(succeeded(address, `alreadyPresent: ${nicRef} has ${bare}`));
    else {
      const why = whyNotTaken(holder.nicRef, seizeFrom, (node) => call.nic.target[`nicOf.${node}`]);
      if (why === undefined) takeFrom.add(holder.nicRef);
      else results.settle(failed(address, 'held-elsewhere', `${bare} ${why}`));
    }
  }
  const wanted = results.open().map(({ address }) => bareAddress(address));
  await change(cloud, { call, context, results }, `assign ${wanted.join(', ')} to ${nicRef}`, async () =>
    cloud.assign(nicRef, wanted, [...takeFrom]),
  );
  return report(cloud, call, results);
}

async function unassign(cloud: Provider, call: ExecuteCall, context: CallContext): Promise<ExecuteReport> {
  const { nicRef } = call.nic;
  const { addresses } = await ownNic(cloud, call.nic);
  const results = new AddressResults(call.addresses);
  for (const { address } of call.addresses) {
    if (!addresses.includes(bareAddress(address))) results.settle(succeeded(address, 'alreadyAbsent'));
  }
  const wanted = results.open().map(({ address }) => bareAddress(address));
  await change(cloud, { call, context, results }, `take ${wanted.join(', ')} off ${nicRef}`, async () =>
    cloud.unassign(nicRef, wanted),
  );
  return report(cloud, call, results);
}

interface Work {
  readonly call: ExecuteCall;
  readonly context: CallContext;
  readonly results: AddressResults;
}

/** One call for what is open, sent once. Whatever it answered, reading tells what came of it. */
async function change(cloud: Provider, work: Work, what: string, call: () => Promise<void>): Promise<void> {
  const { context, results } = work;
  const open = results.open();
  if (open.length === 0) return;
  if (context.mode === 'dry-run') {
    for (const { address } of open) results.settle(skipped(address, `dry run: would ${what}`));
    return;
  }
  const error = await context.mutate(what, async () => attempt(what, call));
  const isAssign = work.call.action === 'assign-secondary-ip';
  const { addresses } = await ownNic(cloud, work.call.nic);
  for (const { address } of open) {
    if (addresses.includes(bareAddress(address)) === isAssign) results.settle(succeeded(address, `done: ${what}`));
  }
  results.failRest(error ?? new ExecutorError('unknown-outcome', `${what} was accepted and does not show`));
}

async function setForwarding(
  cloud: Provider,
  call: ExecuteCall,
  context: CallContext,
  forwarding: boolean,
): Promise<ExecuteReport> {
  const before = (await ownNic(cloud, call.nic)).forwarding;
  const what = `set forwarding of ${call.nic.nicRef} to ${forwarding}`;
  const answer = async (status: typeof succeeded, message: string): Promise<ExecuteReport> => ({
    results: forEvery(call.addresses, (address) => status(address, message)),
    observed: { priorForwarding: String(before) },
    nic: nicStateOf(await ownNic(cloud, call.nic)),
  });
  if (before === forwarding) return answer(succeeded, `alreadyPresent: ${what}`);
  if (context.mode === 'dry-run') return answer(skipped, `dry run: would ${what}`);
  const error = await context.mutate(what, async () =>
    attempt(what, async () => cloud.setForwarding(call.nic.nicRef, forwarding)),
  );
  if ((await ownNic(cloud, call.nic)).forwarding === forwarding) return answer(succeeded, `done: ${what}`);
  throw error ?? new ExecutorError('unknown-outcome', `${what} was accepted and does not show`);
}

/** @returns what went wrong */
async function attempt(what: string, call: () => Promise<void>): Promise<ExecutorError | undefined> {
  try {
    await call();
    return undefined;
  } catch (cause) {
    return executorError(what, cause);
  }
}

async function report(cloud: Provider, call: ExecuteCall, results: AddressResults): Promise<ExecuteReport> {
  const observed = { networkInterfaceId: call.nic.nicRef };
  return { results: results.conclude(), observed, nic: nicStateOf(await ownNic(cloud, call.nic)) };
}
