/** From one line of input to one line of output. Never throws, whatever the line or the plugin does. */
import { ExecutorError } from './executor-error.ts';
import type { CallContext, ExecutorPlugin } from './executor-plugin.ts';
import {
  API_VERSION,
  executeActionResult,
  observeNicResult,
  request as requestSchema,
  type ErrorClass,
  type ExecuteActionRequest,
  type ObserveNicRequest,
  type ResultMessage,
} from './protocol.ts';

/** Characters; the caller shows it in one line of a table. */
const MESSAGE_CHARACTERS_MAX = 2000;

export interface AnswerEnvironment {
  readonly plugin: () => Promise<ExecutorPlugin>;
  /** False once the process that sent the request has gone away. */
  isCallerAlive(): boolean;
  note(text: string): void;
}

export async function answerLine(line: string, environment: AnswerEnvironment): Promise<ResultMessage> {
  let document: unknown;
  try {
    document = JSON.parse(line);
  } catch (cause) {
    return refusal(undefined, `the request is not JSON: ${textOf(cause)}`);
  }
  const parsed = requestSchema.safeParse(document);
  if (!parsed.success) {
    const problems = parsed.error.issues.map(({ path, message }) => `${path.join('.') || 'request'}: ${message}`);
    return refusal(document, `the request is malformed: ${problems.join('; ')}`);
  }
  return parsed.data.kind === 'ExecuteActionRequest'
    ? answerExecute(parsed.data, environment)
    : answerObserve(parsed.data, environment);
}

/** The answer to what could not be understood, under the id and kind that can be made out. */
export function refusal(document: unknown, message: string): ResultMessage {
  const fields = typeof document === 'object' && document !== null ? document : {};
  const id = 'id' in fields && typeof fields.id === 'string' ? fields.id : '';
  const status = { status: 'failed', error: { class: 'invalid', message: bounded(message) } } as const;
  return 'kind' in fields && fields.kind === 'ObserveNicRequest'
    ? { apiVersion: API_VERSION, kind: 'ObserveNicResult', id, status }
    : { apiVersion: API_VERSION, kind: 'ExecuteActionResult', id, status };
}

async function answerExecute(
  { id, spec }: ExecuteActionRequest,
  environment: AnswerEnvironment,
): Promise<ResultMessage> {
  const guard = mutationGuard(spec.mode, environment);
  const head = { apiVersion: API_VERSION, kind: 'ExecuteActionResult', id } as const;
  try {
    const plugin = await environment.plugin();
    const { results, observed, nic } = await plugin.execute(spec, guard.context);
    const answer = {
      ...head,
      status: { status: 'completed', results, observed, ...(nic === undefined ? {} : { nic }) },
    };
    return executeActionResult.parse(answer);
  } catch (cause) {
    return { ...head, status: { status: 'failed', error: faultOf(cause, guard.wasUsed()) } };
  }
}

async function answerObserve({ id, spec }: ObserveNicRequest, environment: AnswerEnvironment): Promise<ResultMessage> {
  const guard = mutationGuard('observe', environment);
  const head = { apiVersion: API_VERSION, kind: 'ObserveNicResult', id } as const;
  try {
    const plugin = await environment.plugin();
    const nic = await plugin.observe(spec.nic, guard.context);
    return observeNicResult.parse({ ...head, status: { status: 'completed', nic } });
  } catch (cause) {
    return { ...head, status: { status: 'failed', error: faultOf(cause, guard.wasUsed()) } };
  }
}

interface MutationGuard {
  readonly context: CallContext;
  /** True once a mutating call was begun. */
  wasUsed(): boolean;
}

function mutationGuard(mode: CallContext['mode'], environment: AnswerEnvironment): MutationGuard {
  let isUsed = false;
  return {
    wasUsed: () => isUsed,
    context: {
      mode,
      note: (text) => environment.note(text),
      async mutate(what, call) {
        if (mode !== 'execute') throw new ExecutorError('invalid', `refused to ${what}: the mode is ${mode}`);
        if (!environment.isCallerAlive()) {
          // Not `unknown-outcome`, unless something was done before: this call was not made.
          throw new ExecutorError(
            isUsed ? 'unknown-outcome' : 'transport',
            `refused to ${what}: the caller has gone away`,
          );
        }
        isUsed = true;
        return call();
      },
    },
  };
}

interface Fault {
  readonly class: ErrorClass;
  readonly message: string;
  readonly retryAfterMs?: number;
}

/** What was thrown without a class may have been thrown after the provider acted. */
function faultOf(cause: unknown, hasMutated: boolean): Fault {
  if (cause instanceof ExecutorError) {
    const { errorClass, message, retryAfterMs } = cause;
    return { class: errorClass, message: bounded(message), ...(retryAfterMs === undefined ? {} : { retryAfterMs }) };
  }
  return {
    class: hasMutated ? 'unknown-outcome' : 'transport',
    message: bounded(`the plugin failed unexpectedly: ${textOf(cause)}`),
  };
}

function textOf(cause: unknown): string {
  return cause instanceof Error ? `${cause.name}: ${cause.message}` : String(cause);
}

function bounded(message: string): string {
  return message.length <= MESSAGE_CHARACTERS_MAX ? message : `${message.slice(0, MESSAGE_CHARACTERS_MAX)}…`;
}
