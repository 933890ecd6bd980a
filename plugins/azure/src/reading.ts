/** One read of Resource Manager, with what it throws turned into what it means. */
import { classOf, executorError, faultOf } from './classify.ts';

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
