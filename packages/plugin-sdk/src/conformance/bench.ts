/** What a check works with: the executor as a process, requests made from the plan, and the test cloud. */
import type {
  ExecuteActionRequest,
  ExecuteActionResult,
  ObserveNicResult,
  Request,
  ResultMessage,
  Verb,
} from '../protocol.ts';
import { API_VERSION } from '../protocol-parts.ts';
import { ExecutorProcess, type Answer } from './executor-process.ts';
import type { CloudFault, CloudState, ConformancePlan, TestCloud } from './plan.ts';

/** A check says in one sentence what it found instead of what has to be. */
export class Deviation extends Error {
  override readonly name = 'Deviation';
}

/** The check cannot be made with this plan. */
export class Untested extends Error {
  override readonly name = 'Untested';
}

export function expectThat(holds: boolean, otherwise: string): void {
  if (!holds) throw new Deviation(otherwise);
}

/** More than any check uses. */
const EPOCHS_PER_CHECK = 10;

export type ReadRequest = Request extends infer Each
  ? Each extends { readonly kind: string; readonly spec: unknown }
    ? Pick<Each, 'kind' | 'spec'>
    : never
  : never;

export type NicSide = 'nic' | 'otherNic';

export interface Order {
  readonly verb: Verb;
  readonly addresses: readonly string[];
  readonly side?: NicSide;
  /** Within the check. */
  readonly epoch?: number;
  readonly seizeFrom?: string;
  readonly mode?: 'dry-run' | 'execute';
}

export interface BenchParts {
  readonly plan: ConformancePlan;
  readonly cloud: TestCloud;
  readonly folder: string;
  readonly env: Readonly<Record<string, string>>;
  readonly onOutput: (text: string) => void;
}

export class Bench {
  readonly plan: ConformancePlan;
  readonly #parts: BenchParts;
  #process: ExecutorProcess | undefined;
  #count = 0;
  #epochBase = 0;

  constructor(parts: BenchParts) {
    this.plan = parts.plan;
    this.#parts = parts;
  }

  /** Epochs only grow: what a provider remembers of an earlier check is of an earlier tenure. */
  beginCheck(): void {
    this.#epochBase += EPOCHS_PER_CHECK;
  }

  get limitMs(): number {
    return this.plan.timeoutSeconds * 1000;
  }

  /** The process that is there, or a new one. */
  process(): ExecutorProcess {
    const { plan, folder, env, onOutput } = this.#parts;
    this.#process ??= new ExecutorProcess({ argv: plan.executor, folder, env, onOutput });
    return this.#process;
  }

  /** The next request goes to a new process. */
  async kill(): Promise<void> {
    await this.#process?.kill();
    this.#process = undefined;
  }

  forget(): void {
    this.#process = undefined;
  }

  async state(): Promise<CloudState> {
    return this.#parts.cloud.state();
  }

  async mutations(): Promise<number> {
    return (await this.state()).mutations;
  }

  async inject(fault: CloudFault): Promise<void> {
    const { inject } = this.#parts.cloud;
    if (inject === undefined) throw new Untested('hooks.fault is not given');
    await inject(fault);
  }

  /** Bare address → the NIC that has it, of the two. */
  async holderOf(address: string): Promise<NicSide | undefined> {
    const { nics } = await this.state();
    const has = (side: NicSide): boolean => nics[this.plan[side].nicRef]?.addresses.includes(address) === true;
    if (has('nic') && has('otherNic')) throw new Deviation(`${address} is on both NICs`);
    return has('nic') ? 'nic' : has('otherNic') ? 'otherNic' : undefined;
  }

  async isForwarding(): Promise<boolean> {
    return (await this.state()).nics[this.plan.nic.nicRef]?.forwarding === true;
  }

  request({ verb, addresses, side = 'nic', epoch = 1, seizeFrom, mode = 'execute' }: Order): ExecuteActionRequest {
    const { provider } = this.plan;
    const { nicRef } = this.plan[side];
    const other = this.plan[side === 'nic' ? 'otherNic' : 'nic'];
    const target = { ...this.plan[side].target, [`nicOf.${other.node}`]: other.nicRef };
    this.#count += 1;
    return {
      apiVersion: API_VERSION,
      kind: 'ExecuteActionRequest',
      id: `conformance-${this.#count}`,
      spec: {
        action: verb,
        nic: { provider, providerRef: provider, nicRef, target },
        addresses: addresses.map((bare) => ({
          address: `${bare}/32`,
          captureKey: `conformance|${bare}/32|provider:${provider}:placement:conformance`,
          captureEpoch: this.#epochBase + epoch,
          ...(seizeFrom === undefined ? {} : { seizeFrom }),
        })),
        mode,
        attempt: `attempt-${this.#count}`,
      },
    };
  }

  async send(order: Order, limitMs = this.limitMs): Promise<Answer> {
    const asked = this.request(order);
    const answer = await this.process().ask(JSON.stringify(asked), limitMs);
    if (answer.kind === 'none') this.forget();
    else expectThat(answer.message.id === asked.id, `the answer has id "${answer.message.id}", not "${asked.id}"`);
    return answer;
  }

  /** @returns the status of an executed request; no answer at all is a deviation */
  async status(order: Order): Promise<ExecuteActionResult['status']> {
    const answer = await this.send(order);
    if (answer.kind === 'none') throw new Deviation(`${order.verb}: ${answer.why}`);
    if (answer.message.kind !== 'ExecuteActionResult')
      throw new Deviation(`${order.verb}: answered ${answer.message.kind}`);
    return answer.message.status;
  }

  /** The outcome of each address in the order of the request: `succeeded`, `skipped`, or the class of its failure. */
  async outcomes(order: Order): Promise<readonly string[]> {
    const status = await this.status(order);
    if (status.status === 'failed') return order.addresses.map(() => status.error.class);
    const answered = status.results.map(({ address }) => address);
    expectThat(
      answered.join() === order.addresses.map((bare) => `${bare}/32`).join(),
      `results are for ${answered.join(', ')}, not for the addresses of the request in their order`,
    );
    return status.results.map((each) =>
      each.status === 'failed' ? (each.errorClass ?? 'failed without class') : each.status,
    );
  }

  /** Every address has to succeed. */
  async mustSucceed(order: Order): Promise<void> {
    const status = await this.status(order);
    const failure =
      status.status === 'failed'
        ? `${status.error.class}: ${status.error.message}`
        : status.results.find((each) => each.status !== 'succeeded')?.message;
    expectThat(failure === undefined, `${order.verb} did not succeed: ${failure}`);
  }

  async observe(nicRef = this.plan.nic.nicRef): Promise<ObserveNicResult['status']> {
    const message = await this.read({ kind: 'ObserveNicRequest', spec: { nic: this.nicOf('nic', nicRef) } });
    if (message.kind !== 'ObserveNicResult') throw new Deviation(`observe: answered ${message.kind}`);
    return message.status;
  }

  nicOf(side: NicSide, nicRef = this.plan[side].nicRef): ExecuteActionRequest['spec']['nic'] {
    const { provider } = this.plan;
    return { provider, providerRef: provider, nicRef, target: this.plan[side].target };
  }

  /** Any request that changes nothing. No answer, and an answer to something else, are deviations. */
  async read(asked: ReadRequest): Promise<ResultMessage> {
    this.#count += 1;
    const id = `conformance-${this.#count}`;
    const line = JSON.stringify({ apiVersion: API_VERSION, id, ...asked });
    const answer = await this.process().ask(line, this.limitMs);
    if (answer.kind === 'none') {
      this.forget();
      throw new Deviation(`${asked.kind}: ${answer.why}`);
    }
    expectThat(answer.message.id === id, `the answer has id "${answer.message.id}", not "${id}"`);
    return answer.message;
  }

  /** @throws Untested where the executor does not have this kind of request, which it is free to */
  async optional(asked: ReadRequest): Promise<ResultMessage> {
    const message = await this.read(asked);
    const { status } = message;
    if (status.status === 'failed' && status.error.class === 'invalid')
      throw new Untested(`it does not answer ${asked.kind}`);
    return message;
  }
}
