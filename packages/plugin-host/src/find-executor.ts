/** Which plugin acts for a provider. Pure. */
import { err, ok, type ResourceOf, type Result } from '@routerd/resources';
import type { ExecutorFault } from '@routerd/actions';

type Plugin = ResourceOf<'Plugin'>;

const CAPABILITY = 'execute.providerAction';

/** The executor named `<provider>-executor`, else the only executor there is. */
export function findExecutor(plugins: readonly Plugin[], provider: string): Result<Plugin, ExecutorFault> {
  const executors = plugins.filter(({ spec }) => spec.capabilities.includes(CAPABILITY));
  const named = executors.find(({ metadata }) => metadata.name === `${provider}-executor`);
  if (named !== undefined) return ok(named);
  const [only, ...others] = executors;
  if (only === undefined) {
    return err({
      code: 'executor.not-configured',
      errorClass: 'invalid',
      detail: `no Plugin with capability ${CAPABILITY}`,
    });
  }
  if (others.length === 0) return ok(only);
  const names = executors.map(({ metadata }) => metadata.name).toSorted();
  return err({
    code: 'executor.ambiguous',
    errorClass: 'invalid',
    detail: `ambiguous executor for provider "${provider}": ${names.join(', ')}; name one of them ${provider}-executor`,
  });
}
