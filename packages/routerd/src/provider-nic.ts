/** The NIC that this node captures with in a pool, as the action engine and executors name it. Pure. */
import type { NicTarget } from '@routerd/actions';
import { nicTargetOf, type PoolContext } from '@routerd/mobility';

/** @returns undefined where it captures without a provider, or not at all */
export function providerNicOf(context: PoolContext): NicTarget | undefined {
  const known = nics.get(context);
  if (known !== undefined) return known;
  const nic = nicIn(context);
  if (nic !== undefined) nics.set(context, nic);
  return nic;
}

/** It is asked for several times a pass. A context never changes; it is forgotten with its pool. */
const nics = new WeakMap<PoolContext, NicTarget>();

function nicIn(context: PoolContext): NicTarget | undefined {
  const { selfMember } = context;
  const capture = selfMember?.spec.capture;
  if (selfMember === undefined || capture?.type !== 'provider-secondary-ip') return undefined;
  const provider = context.profiles.get(capture.providerRef)?.spec.provider;
  if (provider === undefined) return undefined;
  return {
    provider,
    providerRef: capture.providerRef,
    nicRef: capture.nicRef,
    target: nicTargetOf(context, selfMember),
  };
}
