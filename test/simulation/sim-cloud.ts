/**
 * One cloud network: the in-memory executor, with what a provider's API does on bad days. A request that was sent goes on at the provider
 * whatever becomes of the node that sent it. Machines that live in the cloud have NICs of their own, so their addresses cannot be taken.
 */
import {
  createMemoryExecutor,
  type ExecuteRequest,
  type ExecutorFault,
  type MemoryExecutor,
  type NicState,
  type NicTarget,
  type ProviderExecutor,
} from '@routerd/actions';
import { err, type HostAddress, type Result } from '@routerd/resources';
import type { Life } from './life.ts';
import type { SeededRandom } from './random.ts';
import type { VirtualTime } from './virtual-time.ts';

export interface CloudTrouble {
  throttledShare: number;
  lostShare: number;
  halfMoveShare: number;
  /** Milliseconds that a call takes at most on top of the usual. */
  latencyMs: number;
}

/** A change that the provider made for a request. */
export interface SeenMutation {
  readonly node: string;
  readonly verb: ExecuteRequest['verb'];
  readonly address: HostAddress;
  readonly captureKey: string;
  readonly captureEpoch: number;
  readonly attempt: string;
  /** When the node handed the request over, and when the provider carried it out, milliseconds of the simulation. */
  readonly submittedAt: number;
  readonly effectiveAt: number;
}

export interface SimCloudOptions {
  readonly time: VirtualTime;
  readonly random: SeededRandom;
  /** Told of a request when it is handed over, before anything else happens. */
  readonly onSubmitted: (node: string, request: ExecuteRequest) => void;
  readonly onMutation: (mutation: SeenMutation) => void;
}

const USUAL_LATENCY_MS = [20, 200] as const;

export class SimCloud {
  readonly trouble: CloudTrouble = { throttledShare: 0, lostShare: 0, halfMoveShare: 0, latencyMs: 0 };
  readonly inner: MemoryExecutor;
  readonly #options: SimCloudOptions;

  constructor(options: SimCloudOptions) {
    this.#options = options;
    this.inner = createMemoryExecutor(options.time);
  }

  addRouter(node: string): void {
    this.inner.addNic({ nicRef: `nic-${node}`, node });
  }

  /** A machine with the address comes to live here. @returns false while a router's NIC has the address: the cloud refuses it */
  settle(address: HostAddress): boolean {
    const nicRef = `nic-client-${address}`;
    const holder = this.inner.holderOf(address);
    if (holder !== undefined && holder !== nicRef) return false;
    this.inner.addNic({ nicRef, addresses: [address] });
    return true;
  }

  leave(address: HostAddress): void {
    if (this.livesHere(address)) this.inner.place(address, undefined);
  }

  livesHere(address: HostAddress): boolean {
    return this.inner.holderOf(address) === `nic-client-${address}`;
  }

  /** The router whose NIC has the address. */
  capturer(address: HostAddress): string | undefined {
    const nicRef = this.inner.holderOf(address);
    return nicRef === undefined || nicRef.startsWith('nic-client-') ? undefined : nicRef.slice('nic-'.length);
  }

  executor(node: string, life: Life): ProviderExecutor {
    return {
      execute: async (request, signal) => life.ask(async () => this.#execute(node, request, signal)),
      observe: async (nic, signal) => life.ask(async () => this.#observe(nic, signal)),
    };
  }

  async #execute(node: string, request: ExecuteRequest, signal: AbortSignal): ReturnType<ProviderExecutor['execute']> {
    const { random, time, onSubmitted } = this.#options;
    onSubmitted(node, request);
    const submittedAt = time.now();
    await time.sleepUntil(time.now() + this.#latency(), signal);
    // Cancelled before it was sent, or after: the caller cannot tell.
    if (signal.aborted && random.chance(0.5)) return err(CANCELLED);
    if (random.chance(this.trouble.throttledShare)) return err(THROTTLED);
    if (request.mode === 'execute' && random.chance(this.trouble.halfMoveShare)) {
      const half = await this.#firstHalf(request);
      if (half !== undefined) return err(half);
    }
    const before = this.inner.mutations.length;
    const answer = await this.inner.execute(request, new AbortController().signal);
    // Requests of several nodes may be carried out at one instant.
    const own = this.inner.mutations.slice(before).filter(({ attempt }) => attempt === request.attempt);
    for (const { verb, address, captureKey, captureEpoch, attempt } of own)
      this.#options.onMutation({
        node,
        verb,
        address,
        captureKey,
        captureEpoch,
        attempt,
        submittedAt,
        effectiveAt: time.now(),
      });
    await time.sleepUntil(time.now() + this.#latency(), signal);
    if (signal.aborted) return err(CANCELLED);
    return random.chance(this.trouble.lostShare) ? err(LOST) : answer;
  }

  /** The addresses leave the NIC that they are taken from; the second half follows later, or never. */
  async #firstHalf(request: ExecuteRequest): Promise<ExecutorFault | undefined> {
    const { random, time } = this.#options;
    for (const { address, seizeFrom } of request.addresses) {
      if (seizeFrom !== undefined && this.inner.holderOf(address) === `nic-${seizeFrom}`)
        this.inner.place(address, undefined);
    }
    await time.sleep(random.between(100, 6000));
    return random.chance(0.5) ? LOST : undefined;
  }

  async #observe(nic: NicTarget, signal: AbortSignal): Promise<Result<NicState, ExecutorFault>> {
    const { random, time } = this.#options;
    await time.sleepUntil(time.now() + this.#latency(), signal);
    if (signal.aborted) return err(CANCELLED);
    if (random.chance(this.trouble.throttledShare)) return err(THROTTLED);
    const answer = await this.inner.observe(nic, new AbortController().signal);
    return random.chance(this.trouble.lostShare) ? err({ ...LOST, errorClass: 'transport' }) : answer;
  }

  #latency(): number {
    const { random } = this.#options;
    const extra = this.trouble.latencyMs;
    return random.between(...USUAL_LATENCY_MS) / 2 + (extra === 0 ? 0 : random.between(0, extra));
  }
}

const CANCELLED: ExecutorFault = { code: 'executor.cancelled', errorClass: 'unknown-outcome', detail: 'cancelled' };
const THROTTLED: ExecutorFault = { code: 'executor.failed', errorClass: 'throttled', detail: 'slow down' };
const LOST: ExecutorFault = { code: 'executor.failed', errorClass: 'unknown-outcome', detail: 'no answer came' };
