/** Observers over in-memory twins, a clock that stands still, and a plugin that answers what the test says. */
import { createMemoryPartStore, effectiveConfig, isDamaged, type MemoryPartStore } from '@routerd/config';
import type { AcceptedFact } from '@routerd/federation';
import {
  durationMs,
  instant,
  loadResources,
  parseHostAddress,
  parseNodeName,
  parsePoolName,
  parseSiteName,
  parseResource,
  type Resource,
  type ResourceOf,
  type Result,
} from '@routerd/resources';
import { ManualClock, RecordingLog } from '@routerd/runtime';
import {
  createMemoryRunStore,
  createObservers,
  type FactFeed,
  type Observation,
  type ObservedFact,
  type Observers,
  type PluginRequest,
  type PluginRunner,
  type RunFault,
  type RunReport,
  type RunStore,
} from '../src/index.ts';

export const START = instant(1_800_000_000_000);

export function valueOf<T>(result: Result<T, unknown>): T {
  if (!result.ok) throw new Error(JSON.stringify(result.error));
  return result.value;
}

export function configuration(text: string): readonly Resource[] {
  const { resources, diagnostics } = loadResources([{ file: 'test.yaml', text }]);
  if (diagnostics.length > 0) throw new Error(JSON.stringify(diagnostics));
  return resources.map(({ value }) => value);
}

export interface FactOptions {
  readonly type?: AcceptedFact['fact']['type'];
  readonly source?: string;
  readonly site?: string;
  readonly acceptedAt?: number;
  readonly ttlMs?: number;
}

let sequence = 0;

export function fact(id: string, address: string, options: FactOptions = {}): AcceptedFact {
  const { type = 'routerd.client.ipv4.observed', source = 'onprem-a', site = 'onprem', acceptedAt = START } = options;
  sequence += 1;
  return {
    fact: {
      id,
      type,
      source: valueOf(parseNodeName(source)),
      group: 'fleet',
      pool: valueOf(parsePoolName('lab')),
      site: valueOf(parseSiteName(site)),
      address: valueOf(parseHostAddress(address)),
      observedAt: instant(acceptedAt),
      ttl: durationMs(options.ttlMs ?? 600_000),
      sequence,
      origin: 'test',
    },
    acceptedAt: instant(acceptedAt),
    firstAcceptedAt: instant(acceptedAt),
  };
}

/** Keeps the last fact per (source, address), as federation does. */
export class FactFeedTwin implements FactFeed {
  readonly #accepted = new Map<string, AcceptedFact>();
  readonly #listeners = new Set<(facts: readonly AcceptedFact[]) => void>();

  accepted(): readonly AcceptedFact[] {
    return [...this.#accepted.values()];
  }

  onAccepted(listener: (facts: readonly AcceptedFact[]) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  accept(...facts: readonly AcceptedFact[]): void {
    for (const one of facts) this.#accepted.set(`${one.fact.source}/${one.fact.address}`, one);
    for (const listener of this.#listeners) listener(facts);
  }
}

export interface Asked {
  readonly plugin: string;
  readonly request: PluginRequest;
  /** Ends the run; until then it is under way. */
  answer(report: RunReport): void;
}

export class ScriptedRunner implements PluginRunner {
  readonly asked: Asked[] = [];
  readonly #open = new Set<Asked>();

  async run(plugin: ResourceOf<'Plugin'>, request: PluginRequest, signal: AbortSignal): Promise<RunReport> {
    return new Promise((resolve) => {
      const asked: Asked = {
        plugin: plugin.metadata.name,
        request,
        answer: (report) => {
          this.#open.delete(asked);
          resolve(report);
        },
      };
      this.#open.add(asked);
      this.asked.push(asked);
      signal.addEventListener('abort', () => asked.answer(failure('plugin.cancelled', 'cancelled')), { once: true });
    });
  }

  underWay(): readonly Asked[] {
    return [...this.#open];
  }

  /** The only run under way. */
  only(): Asked {
    const [first, ...others] = this.underWay();
    if (first === undefined || others.length > 0) throw new Error(`${this.#open.size} runs are under way`);
    return first;
  }
}

export function observation(changes: Partial<Observation> = {}): RunReport {
  const empty: Observation = {
    observedAt: undefined,
    ttl: durationMs(1_800_000),
    generation: undefined,
    resources: [],
    directives: [],
    actionPlans: [],
    events: [],
  };
  return {
    exitCode: 0,
    stdoutDigest: 'd'.repeat(64),
    stderr: '',
    outcome: { ok: true, value: { ...empty, ...changes } },
  };
}

export function failure(code: RunFault['code'], message: string): RunReport {
  const outcome = { ok: false, error: { code, message, problems: [] } } as const;
  return { exitCode: undefined, stdoutDigest: undefined, stderr: '', outcome };
}

export function route(name: string, destination: string, annotations: Readonly<Record<string, string>> = {}): Resource {
  return valueOf(
    parseResource({
      apiVersion: 'net.routerd.net/v1alpha1',
      kind: 'IPv4Route',
      metadata: { name, annotations },
      spec: { destination, device: 'eth0' },
    }),
  );
}

export interface ObserverRig {
  readonly clock: ManualClock;
  readonly observers: Observers;
  readonly runs: RunStore;
  readonly parts: MemoryPartStore;
  readonly runner: ScriptedRunner;
  readonly facts: FactFeedTwin;
  readonly log: RecordingLog;
  readonly published: ObservedFact[];
  /** Moves time, and lets everything that it woke come to rest. */
  pass(milliseconds: number): Promise<void>;
  /** Ends the run under way. */
  answer(report: RunReport): Promise<void>;
  /** Stops, and starts anew on what the stores remember. */
  restart(): Promise<ObserverRig>;
  /** `source@generation` of each part. */
  sources(): readonly string[];
}

export async function quiet(): Promise<void> {
  await new Promise<void>((resolve) => {
    setImmediate(resolve);
  });
}

type Memory = Pick<ObserverRig, 'clock' | 'runs' | 'parts' | 'facts'>;

export function openRig(
  startup: readonly Resource[],
  memory: Memory = {
    clock: new ManualClock(START),
    runs: createMemoryRunStore(),
    parts: createMemoryPartStore(),
    facts: new FactFeedTwin(),
  },
): ObserverRig {
  const { clock, runs, parts, facts } = memory;
  const runner = new ScriptedRunner();
  const log = new RecordingLog();
  const published: ObservedFact[] = [];
  const observers = createObservers({
    clock,
    log,
    runner,
    runs,
    parts,
    facts,
    config: {
      startup,
      effective: () => startup,
      rejection: (part) => {
        const others = parts.list().filter(({ source }) => source !== part.source);
        const { rejected } = effectiveConfig(
          startup,
          [...others.filter((each) => !isDamaged(each)), part],
          clock.now(),
        );
        return rejected.find(({ source }) => source === part.source)?.reason;
      },
    },
    publish: (_, observed) => {
      if (observed.subject.startsWith('192.0.2.'))
        return { ok: false, error: { message: 'it lies outside the prefix of pool lab.' } };
      published.push(observed);
      return { ok: true, value: undefined };
    },
  });
  observers.start();
  return {
    clock,
    observers,
    runs,
    parts,
    runner,
    facts,
    log,
    published,
    async pass(milliseconds) {
      clock.advance(milliseconds);
      await quiet();
    },
    async answer(report) {
      runner.only().answer(report);
      await quiet();
    },
    async restart() {
      await observers.stop();
      return openRig(startup, memory);
    },
    sources: () => parts.list().map(({ source, generation }) => `${source}@${generation}`),
  };
}
