/** One call to EC2, with what it throws turned into what it means. */
import { ExecutorError, type CallContext } from '@routerd/plugin-sdk';
import { executorError, faultOf, meaningOf } from './classify.ts';
import type { Ec2, NetworkInterface } from './network-interface.ts';

/** @throws ExecutorError; a read whose answer is lost has changed nothing, so it is never `unknown-outcome` */
export async function reading<T>(attempted: string, call: () => Promise<T>): Promise<T> {
  try {
    return await call();
  } catch (cause) {
    const fault = faultOf(cause);
    const meaning = meaningOf(fault);
    const errorClass = meaning.kind === 'error' ? meaning.errorClass : 'invalid';
    throw executorError(attempted, fault, errorClass === 'unknown-outcome' ? 'transport' : errorClass);
  }
}

/** @throws ExecutorError `not-found` if the interface is not there */
export async function readOwn(ec2: Pick<Ec2, 'readInterface'>, id: string): Promise<NetworkInterface> {
  const own = await reading(`reading ${id}`, async () => ec2.readInterface(id));
  if (own === undefined) throw new ExecutorError('not-found', `EC2 knows no network interface ${id}`);
  return own;
}

export type Change =
  | { readonly kind: 'done' }
  | { readonly kind: 'already-absent'; readonly error: ExecutorError }
  | { readonly kind: 'failed'; readonly error: ExecutorError };

/** A mutating call. Failures are values here: reading back decides what they come to. */
export async function changing(context: CallContext, what: string, call: () => Promise<void>): Promise<Change> {
  return context.mutate(what, async () => {
    try {
      await call();
      return { kind: 'done' };
    } catch (cause) {
      const fault = faultOf(cause);
      const meaning = meaningOf(fault);
      if (meaning.kind === 'already-absent')
        return { kind: meaning.kind, error: executorError(what, fault, 'not-found') };
      return { kind: 'failed', error: executorError(what, fault, meaning.errorClass) };
    }
  });
}
