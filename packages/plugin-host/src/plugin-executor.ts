/** The executor port over plugin processes: the only way from the action engine to a provider. */
import {
  nicKeyOf,
  type ErrorClass,
  type ExecuteOutcome,
  type ExecuteRequest,
  type ExecutorFault,
  type NicReading,
  type NicTarget,
  type ProviderExecutor,
} from '@routerd/actions';
import type { CheckReport, InventoryPage, PreflightReport, ResultMessage, Usage, Verb } from '@routerd/plugin-sdk';
import { err, ok, type HostAddress, type ResourceOf, type Result } from '@routerd/resources';
import type { Clock, Log } from '@routerd/runtime';
import { findExecutor } from './find-executor.ts';
import type { ExecutorDescription } from './negotiate.ts';
import { Lane, type LaneFault } from './lane.ts';
import { shownMessage } from './redact.ts';
import { checkOf, inventoryOf, preflightOf, readLine } from './wire-reads.ts';
import { executeLine, nicStateOf, observeLine, outcomeOf } from './wire.ts';

export interface PluginExecutorOptions {
  readonly plugins: readonly ResourceOf<'Plugin'>[];
  readonly clock: Clock;
  readonly log: Log;
  /** A process without requests for so long is let go. Default 5 minutes. Milliseconds. */
  readonly idleMs?: number;
}

export interface PluginExecutor extends ProviderExecutor {
  /** What the machine's identity may do at that NIC. An executor without it fails with `invalid`; so do the next two. */
  preflight(nic: NicTarget, actions: readonly Verb[], signal: AbortSignal): Promise<Read<PreflightReport>>;
  /** Whether the addresses are in effect there. */
  check(nic: NicTarget, addresses: readonly HostAddress[], signal: AbortSignal): Promise<Read<CheckReport>>;
  /** One page of who has which address in the NIC's subnet, with limits and capacity. */
  inventory(nic: NicTarget, page: string | undefined, signal: AbortSignal): Promise<Read<InventoryPage>>;
  /** What the executor of that NIC said of itself; undefined until it was asked for something. */
  description(nic: NicTarget): ExecutorDescription | undefined;
  /** Cancels what is under way and ends every plugin process. Afterwards every request is answered as cancelled. Idempotent. */
  stop(): Promise<void>;
}

/** With what it cost, where the executor says so. */
type Read<Report> = Result<Report & { readonly usage?: Usage | undefined }, ExecutorFault>;

/** For one request, without `Plugin.timeout`: a cloud's slow write plus its read-back. */
const REQUEST_TIMEOUT_MS = 30_000;
const IDLE_MS = 300_000;
const STOP_GRACE_MS = 1000;

/** Starts no process before the first request. One process per NIC, which answers serially and stays. */
export function createPluginExecutor(options: PluginExecutorOptions): PluginExecutor {
  const { plugins, clock, log, idleMs = IDLE_MS } = options;
  const lanes = new Map<string, Lane>();
  let requests = 0;
  let isStopped = false;

  const laneOf = (plugin: ResourceOf<'Plugin'>, nic: NicTarget): Lane => {
    const key = laneKey(plugin, nic);
    const lane = lanes.get(key) ?? new Lane(plugin, { clock, log }, { idleMs, stopGraceMs: STOP_GRACE_MS });
    lanes.set(key, lane);
    return lane;
  };

  /** @param mayMutate whether a request that was sent and not answered may have changed something */
  const ask = async (
    nic: NicTarget,
    lineOf: (id: string) => string,
    mayMutate: boolean,
    signal: AbortSignal,
  ): Promise<Result<ResultMessage, ExecutorFault>> => {
    if (isStopped) return err({ code: 'executor.cancelled', errorClass: 'transport', detail: 'stopped' });
    const plugin = findExecutor(plugins, nic.provider);
    if (!plugin.ok) return plugin;
    requests += 1;
    const id = String(requests);
    const timeoutMs = plugin.value.spec.timeout ?? REQUEST_TIMEOUT_MS;
    const answer = await laneOf(plugin.value, nic).request({ id, line: lineOf(id), timeoutMs, signal });
    return answer.ok ? answer : err(executorFault(plugin.value.metadata.name, answer.error, mayMutate));
  };

  /** A request that changes nothing, and what its answer says. */
  const read = async <Report>(
    nic: NicTarget,
    asked: { readonly kind: string; readonly spec: object },
    signal: AbortSignal,
    reportOf: (message: ResultMessage) => Report | undefined,
  ): Promise<Read<Report>> => {
    const answer = await ask(nic, (id) => readLine(id, nic, asked), false, signal);
    if (!answer.ok) return answer;
    const { status, usage } = answer.value;
    if (status.status === 'failed') return err(failure(status.error, usage));
    const report = reportOf(answer.value);
    return report === undefined ? err(badResult(false)) : ok({ ...report, usage });
  };

  return {
    async execute(request: ExecuteRequest, signal: AbortSignal): Promise<Result<ExecuteOutcome, ExecutorFault>> {
      const mayMutate = request.mode === 'execute';
      const answer = await ask(request.nic, (id) => executeLine(id, request), mayMutate, signal);
      if (!answer.ok) return answer;
      const { kind, status, usage } = answer.value;
      if (status.status === 'failed') return err(failure(status.error, usage));
      const outcome = kind === 'ExecuteActionResult' && 'results' in status ? outcomeOf(status) : undefined;
      return outcome === undefined ? err(badResult(mayMutate)) : ok({ ...outcome, usage });
    },
    async observe(nic: NicTarget, signal: AbortSignal): Promise<Result<NicReading, ExecutorFault>> {
      const answer = await ask(nic, (id) => observeLine(id, nic), false, signal);
      if (!answer.ok) return answer;
      const { kind, status, usage } = answer.value;
      if (status.status === 'failed') return err(failure(status.error, usage));
      const state = kind === 'ObserveNicResult' && 'nic' in status && status.nic ? nicStateOf(status.nic) : undefined;
      return state === undefined ? err(badResult(false)) : ok({ ...state, usage });
    },
    preflight: async (nic, actions, signal) =>
      read(nic, { kind: 'PreflightRequest', spec: { actions: [...actions] } }, signal, preflightOf),
    check: async (nic, addresses, signal) =>
      read(nic, { kind: 'CheckRequest', spec: { addresses: [...addresses] } }, signal, checkOf),
    inventory: async (nic, page, signal) =>
      read(nic, { kind: 'InventoryRequest', spec: page === undefined ? {} : { page } }, signal, inventoryOf),
    description(nic) {
      const plugin = findExecutor(plugins, nic.provider);
      return plugin.ok ? lanes.get(laneKey(plugin.value, nic))?.description : undefined;
    },
    async stop() {
      isStopped = true;
      await Promise.all([...lanes.values()].map(async (lane) => lane.stop()));
    },
  };
}

function laneKey(plugin: ResourceOf<'Plugin'>, nic: NicTarget): string {
  return `${plugin.metadata.name}|${nicKeyOf(nic)}`;
}

function executorFault(plugin: string, { code, detail, wasSent }: LaneFault, mayMutate: boolean): ExecutorFault {
  // It may quote what the plugin said: an id, a version, a line that is none.
  const said = shownMessage(detail);
  if (code === 'executor.not-configured' || code === 'executor.incompatible')
    return { code, errorClass: 'invalid', detail: `plugin ${plugin}: ${said}` };
  const errorClass = wasSent && mayMutate ? 'unknown-outcome' : 'transport';
  return { code, errorClass, detail: `plugin ${plugin} ${said}` };
}

function failure(
  fault: { readonly class: ErrorClass; readonly message: string; readonly retryAfterMs?: number | undefined },
  usage: Usage | undefined,
): ExecutorFault {
  const { class: errorClass, message, retryAfterMs } = fault;
  return {
    code: 'executor.failed',
    errorClass,
    detail: shownMessage(message),
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
    ...(usage === undefined ? {} : { usage }),
  };
}

function badResult(mayMutate: boolean): ExecutorFault {
  return {
    code: 'executor.bad-output',
    errorClass: mayMutate ? 'unknown-outcome' : 'transport',
    detail: 'the result does not fit the request',
  };
}
