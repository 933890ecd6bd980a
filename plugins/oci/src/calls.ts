/** One call to OCI, with what it throws turned into what it means. */
import { ExecutorError, type CallContext } from '@routerd/plugin-sdk';
import { classOf, executorError, faultOf, type OciFault } from './classify.ts';
import type { VirtualNetwork, Vnic } from './virtual-network.ts';

/** @throws ExecutorError; a read whose answer is lost has changed nothing, so it is never `unknown-outcome` */
export async function reading<T>(attempted: string, call: () => Promise<T>): Promise<T> {
  try {
    return await call();
  } catch (cause) {
    const fault = faultOf(cause);
    const errorClass = classOf(fault);
    throw executorError(attempted, fault, errorClass === 'unknown-outcome' ? 'transport' : errorClass);
  }
}

export async function readVnic(network: Pick<VirtualNetwork, 'readVnic'>, id: string): Promise<Vnic> {
  const vnic = await reading(`reading ${id}`, async () => network.readVnic(id));
  if (vnic === undefined) {
    throw new ExecutorError(
      'not-found',
      `OCI shows no VNIC ${id}: it does not exist, or this instance may not read it`,
    );
  }
  return vnic;
}

/** A mutating call. @returns what went wrong; reading decides what it comes to */
export async function changing(
  context: CallContext,
  what: string,
  call: () => Promise<void>,
): Promise<OciFault | undefined> {
  return context.mutate(what, async () => {
    try {
      await call();
      return undefined;
    } catch (cause) {
      return faultOf(cause);
    }
  });
}
