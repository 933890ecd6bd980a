/** From one line of input to one line of output. Never throws, whatever the line or the plugin does. */
import type { z } from 'zod';
import type { ErrorNumber } from './error-catalogue.ts';
import { ExecutorError } from './executor-error.ts';
import type { CallContext, ExecutorPlugin } from './executor-plugin.ts';
import { mutationGuard, type GuardEnvironment } from './mutation-guard.ts';
import {
  executeActionResult,
  observeNicResult,
  request as requestSchema,
  type DescribeRequest,
  type ErrorClass,
  type Request,
  type RequestKind,
  type ResultMessage,
} from './protocol.ts';
import { API_VERSION, API_VERSIONS, PROVIDERS, VERBS } from './protocol-parts.ts';
import { checkResult, describeResult, inventoryResult, preflightResult, REQUEST_KINDS } from './protocol-reads.ts';

/** Characters; the caller shows it in one line of a table. */
const MESSAGE_CHARACTERS_MAX = 2000;

export interface AnswerEnvironment extends GuardEnvironment {
  readonly plugin: () => Promise<ExecutorPlugin>;
}

const RESULT_KINDS = {
  ExecuteActionRequest: 'ExecuteActionResult',
  ObserveNicRequest: 'ObserveNicResult',
  DescribeRequest: 'DescribeResult',
  InventoryRequest: 'InventoryResult',
  CheckRequest: 'CheckResult',
  PreflightRequest: 'PreflightResult',
} as const satisfies Record<RequestKind, ResultMessage['kind']>;

export async function answerLine(line: string, environment: AnswerEnvironment): Promise<ResultMessage> {
  let document: unknown;
  try {
    document = JSON.parse(line);
  } catch (cause) {
    return refusal(undefined, 501, `the request is not JSON: ${textOf(cause)}`);
  }
  const parsed = requestSchema.safeParse(document);
  if (!parsed.success) {
    const problems = parsed.error.issues.map(({ path, message }) => `${path.join('.') || 'request'}: ${message}`);
    return refusal(document, 503, `the request is malformed: ${problems.join('; ')}`);
  }
  return answerRequest(parsed.data, environment);
}

/** The answer to what could not be understood, under the id and kind that can be made out. */
export function refusal(document: unknown, number: ErrorNumber, message: string): ResultMessage {
  const fields = typeof document === 'object' && document !== null ? document : {};
  const id = 'id' in fields && typeof fields.id === 'string' ? fields.id : '';
  const kind = REQUEST_KINDS.find((each) => 'kind' in fields && fields.kind === each) ?? 'ExecuteActionRequest';
  const error = { class: 'invalid', number, message: bounded(message) } as const;
  return { apiVersion: API_VERSION, kind: RESULT_KINDS[kind], id, status: { status: 'failed', error } };
}

async function answerRequest(asked: Request, environment: AnswerEnvironment): Promise<ResultMessage> {
  const mode = asked.kind === 'ExecuteActionRequest' ? asked.spec.mode : 'observe';
  const guard = mutationGuard(mode, environment);
  const head = { apiVersion: API_VERSION, id: asked.id } as const;
  try {
    const plugin = await environment.plugin();
    const { schema, report } = await carryOut(plugin, asked, guard.context).finally(() => {
      if (plugin.meter !== undefined) guard.context.spent(plugin.meter.take());
    });
    const status = { status: 'completed', ...report };
    return schema.parse({ ...head, kind: RESULT_KINDS[asked.kind], status, usage: guard.usage() });
  } catch (cause) {
    const status = { status: 'failed', error: faultOf(cause, guard.wasUsed()) } as const;
    return { ...head, kind: RESULT_KINDS[asked.kind], status, usage: guard.usage() };
  }
}

interface CarriedOut {
  /** What the answer has to be: a plugin's mistake is not passed on. */
  readonly schema: z.ZodType<ResultMessage>;
  readonly report: object;
}

async function carryOut(plugin: ExecutorPlugin, asked: Request, context: CallContext): Promise<CarriedOut> {
  switch (asked.kind) {
    case 'ExecuteActionRequest': {
      const { nic, ...report } = await plugin.execute(asked.spec, context);
      return { schema: executeActionResult, report: { ...report, ...(nic === undefined ? {} : { nic }) } };
    }
    case 'ObserveNicRequest':
      return { schema: observeNicResult, report: { nic: await plugin.observe(asked.spec.nic, context) } };
    case 'DescribeRequest':
      return { schema: describeResult, report: description(plugin, asked.spec) };
    case 'InventoryRequest':
      return {
        schema: inventoryResult,
        report: await (plugin.inventory?.(asked.spec.nic, asked.spec.page, context) ?? missing(asked.kind)),
      };
    case 'CheckRequest':
      return {
        schema: checkResult,
        report: await (plugin.check?.(asked.spec.nic, asked.spec.addresses, context) ?? missing(asked.kind)),
      };
    case 'PreflightRequest':
      return {
        schema: preflightResult,
        report: await (plugin.preflight?.(asked.spec.nic, asked.spec.actions, context) ?? missing(asked.kind)),
      };
  }
}

function missing(kind: RequestKind): never {
  throw new ExecutorError('invalid', `this executor does not answer ${kind}`, { number: 505 });
}

function description(plugin: ExecutorPlugin, { versions }: DescribeRequest['spec']): object {
  const version = versions.find((each) => API_VERSIONS.some((own) => own === each));
  if (version === undefined) {
    const spoken = API_VERSIONS.join(', ');
    throw new ExecutorError('invalid', `this executor speaks ${spoken}, not ${versions.join(', ')}`, { number: 504 });
  }
  const has: Readonly<Record<RequestKind, boolean>> = {
    ExecuteActionRequest: true,
    ObserveNicRequest: true,
    DescribeRequest: true,
    InventoryRequest: plugin.inventory !== undefined,
    CheckRequest: plugin.check !== undefined,
    PreflightRequest: plugin.preflight !== undefined,
  };
  const { name, release, providers, storesEpoch } = plugin.about ?? {
    name: 'unnamed',
    release: '0',
    providers: PROVIDERS,
    storesEpoch: false,
  };
  const requests = REQUEST_KINDS.filter((kind) => has[kind]);
  return { version, executor: { name, release }, requests, actions: VERBS, providers, storesEpoch };
}

interface Fault {
  readonly class: ErrorClass;
  readonly number: number;
  readonly message: string;
  readonly retryAfterMs?: number;
}

/** What was thrown without a class may have been thrown after the provider acted. */
function faultOf(cause: unknown, hasMutated: boolean): Fault {
  if (cause instanceof ExecutorError) {
    const { errorClass, number, message, retryAfterMs } = cause;
    const wait = retryAfterMs === undefined ? {} : { retryAfterMs };
    return { class: errorClass, number, message: bounded(message), ...wait };
  }
  const message = bounded(`the plugin failed unexpectedly: ${textOf(cause)}`);
  return hasMutated ? { class: 'unknown-outcome', number: 801, message } : { class: 'transport', number: 901, message };
}

function textOf(cause: unknown): string {
  return cause instanceof Error ? `${cause.name}: ${cause.message}` : String(cause);
}

function bounded(message: string): string {
  return message.length <= MESSAGE_CHARACTERS_MAX ? message : `${message.slice(0, MESSAGE_CHARACTERS_MAX)}…`;
}
