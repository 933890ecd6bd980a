/** The NIC that this node captures with in a pool, as the action engine and executors name it. Pure. */
import type { NicTarget } from '@routerd/actions';
import { nicTargetOf, type PoolContext } from '@routerd/mobility';

/** @returns undefined where it captures without a provider, or not at all */
export function providerNicOf(context: PoolContext): NicTarget | undefined {
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
