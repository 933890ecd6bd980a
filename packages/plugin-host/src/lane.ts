/** The requests for one NIC: one after another, to one process that stays for the next. */
import { err, type ResourceOf, type Result } from '@routerd/resources';
import type { ResultMessage } from '@routerd/plugin-sdk';
import type { Clock, Log } from '@routerd/runtime';
import { executableProblem } from './check-executable.ts';
import { describeLine, negotiated, PLAIN, type ExecutorDescription } from './negotiate.ts';
import { PluginProcess, type PluginRequest, type ProcessFault } from './plugin-process.ts';

export interface LaneFault {
  readonly code: ProcessFault['code'] | 'executor.not-configured' | 'executor.incompatible';
  readonly detail: string;
  /** False when the request was never written to a process. */
  readonly wasSent: boolean;
}

export interface LaneLimits {
  /** A process without requests for so long is let go. */
  readonly idleMs: number;
  readonly stopGraceMs: number;
}

export class Lane {
  readonly #plugin: ResourceOf<'Plugin'>;
  readonly #ports: { readonly clock: Clock; readonly log: Log };
  readonly #limits: LaneLimits;
  readonly #stopping = new AbortController();
  #last: Promise<unknown> = Promise.resolve();
  #process: PluginProcess | undefined;
  #description = PLAIN;
  /** False after an executor died of being asked: then it is taken for one that has nothing to say. */
  #mayAsk = true;
  readonly #ending = new Set<Promise<void>>();
  #idle = new AbortController();

  constructor(plugin: ResourceOf<'Plugin'>, ports: { readonly clock: Clock; readonly log: Log }, limits: LaneLimits) {
    this.#plugin = plugin;
    this.#ports = ports;
    this.#limits = limits;
  }

  async request(request: PluginRequest): Promise<Result<ResultMessage, LaneFault>> {
    const signal = AbortSignal.any([request.signal, this.#stopping.signal]);
    const turn = this.#last.then(async () => this.#send({ ...request, signal }));
    this.#last = turn;
    return turn;
  }

  /** Nothing of it runs any more when this resolves; a request under way is answered as cancelled. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    this.#idle.abort();
    await this.#last;
    this.#release();
    await Promise.all(this.#ending);
  }

  async #send(request: PluginRequest): Promise<Result<ResultMessage, LaneFault>> {
    this.#idle.abort();
    if (request.signal.aborted) return notSent('executor.cancelled', 'cancelled before it was sent');
    if (this.#process?.isAlive !== true) {
      const problem = await executableProblem(this.#plugin.spec.executable);
      if (problem !== undefined) return notSent('executor.not-configured', problem);
      if (request.signal.aborted) return notSent('executor.cancelled', 'cancelled before it was sent');
      this.#process = this.#start();
      const fault = await this.#negotiate(request);
      if (fault !== undefined) return fault;
    }
    const answer = await this.#process.request(request);
    // Whatever went wrong, the next request gets a new process: what this one still thinks is not known.
    if (!answer.ok) {
      await this.#discard(this.#process);
      // It dies of everything, so it was not the question: the next one is asked again.
      if (answer.error.code === 'executor.crashed') this.#mayAsk = true;
    } else this.#letGoWhenIdle(this.#process);
    return answer.ok ? answer : err({ ...answer.error, wasSent: true });
  }

  /** What the executor said of itself when it was started last. */
  get description(): ExecutorDescription {
    return this.#description;
  }

  /** Asks a new process which version it speaks. @returns why it is of no use */
  async #negotiate({ timeoutMs, signal }: PluginRequest): Promise<ReturnType<typeof notSent> | undefined> {
    const asked = this.#process;
    if (asked === undefined || !this.#mayAsk) return undefined;
    const answer = await asked.request({ id: 'describe', line: describeLine('describe'), timeoutMs, signal });
    if (!answer.ok) {
      await this.#discard(asked);
      if (answer.error.code !== 'executor.crashed') return notSent(answer.error.code, answer.error.detail);
      this.#mayAsk = false;
      this.#description = PLAIN;
      this.#process = this.#start();
      return undefined;
    }
    const negotiation = negotiated(answer.value);
    if (negotiation.kind === 'agreed') {
      this.#description = negotiation.description;
      return undefined;
    }
    await this.#discard(asked);
    return notSent('executor.incompatible', negotiation.detail);
  }

  #start(): PluginProcess {
    const started = new PluginProcess(this.#plugin, this.#ports);
    const ended = started.exited.then(() => void this.#ending.delete(ended));
    this.#ending.add(ended);
    return started;
  }

  async #discard(process: PluginProcess): Promise<void> {
    process.kill({ code: 'executor.cancelled', detail: 'discarded' });
    await process.exited;
    this.#process = undefined;
  }

  #letGoWhenIdle(process: PluginProcess): void {
    const { clock } = this.#ports;
    const idle = new AbortController();
    this.#idle = idle;
    const now = clock.monotonic();
    const wait = async (): Promise<void> => {
      await clock.sleepUntil((now + this.#limits.idleMs) as typeof now, idle.signal);
      if (!idle.signal.aborted && this.#process === process) this.#release();
    };
    void wait();
  }

  #release(): void {
    const process = this.#process;
    this.#process = undefined;
    if (process?.isAlive === true) void process.stop(this.#limits.stopGraceMs);
  }
}

function notSent(code: LaneFault['code'], detail: string): { readonly ok: false; readonly error: LaneFault } {
  return err({ code, detail, wasSent: false });
}
