/**
 * Runs the plugins that observe: on their intervals, on facts, for subscriptions, by hand. Decides nothing itself:
 * `planRuns`, `trigger-state` and `batch` say when, `judgeResult` and `partChanges` say what a result becomes.
 *
 * 1. One timer, for the earliest instant at which time makes something due; nothing ticks.
 * 2. One run at a time for each plugin, whoever asks; what comes meanwhile is for the next run.
 * 3. A plugin that follows waits whenever it has nothing else to do. Waiting is no work: it takes no slot, and whatever is due breaks it off.
 * 4. An event that a subscription matched is on disk before anything is done about it, until a run was applied or it was given up.
 */
import {
  err,
  instant,
  ok,
  ofKind,
  type Instant,
  type Monotonic,
  type ResourceOf,
  type Result,
} from '@routerd/resources';
import { Alarm } from '@routerd/runtime';
import { eventOf, type FactEvent } from './fact-event.ts';
import { followEnded, initialFollow, type FollowState } from './follow-state.ts';
import { planRuns, type Job } from './plan-runs.ts';
import { leavesTrace, RunPerformer, textOf, type RunOrder, type RunOutcome, type RunPorts } from './perform-run.ts';
import { observingPlugins, type ObservingPlugin } from './observing-plugin.ts';
import type { EventFeed, FactFeed, PluginRun } from './ports.ts';
import { SubscriptionState, type SubscriptionView } from './subscription-state.ts';
import { initialTriggers, lookedAt, runStarted, triggersDueAt, withNews, type TriggerState } from './trigger-state.ts';

export interface ObserverPorts extends RunPorts {
  readonly facts: FactFeed;
  /** Without it only facts are heard of. */
  readonly events?: EventFeed;
}

export interface PluginView {
  readonly plugin: ResourceOf<'Plugin'>;
  /** What runs it, in words: `every 5m`, `on routerd.client.ipv4.observed`, `EventSubscription/clients`. */
  readonly triggers: readonly string[];
  readonly lastRun: Omit<PluginRun, 'id'> | undefined;
  readonly isRunning: boolean;
  /** Its process waits for what its cloud tells. */
  readonly isFollowing: boolean;
  /** When time runs it next, if nothing else comes first. */
  readonly nextAt: Instant | undefined;
}

export interface ObserverFault {
  readonly code: 'plugin.not-found' | 'plugin.does-not-observe' | 'plugin.stopped';
  readonly message: string;
  readonly remedy?: string;
}

export interface Observers {
  /** Takes up what waited before a restart, and listens. */
  start(): void;
  /** Breaks off what runs; its events wait for the next start. */
  stop(): Promise<void>;
  plugins(): readonly PluginView[];
  subscriptions(): readonly SubscriptionView[];
  /** Newest first. */
  runs(plugin: string): readonly PluginRun[];
  /** Runs it now, after the run under way. */
  run(plugin: string, mode: RunOrder['mode']): Promise<Result<RunOutcome, ObserverFault>>;
  /** Told after a run began or ended and after events came. @returns stops telling */
  onChange(listener: () => void): () => void;
}

/** How long settled events are known after they expired. Milliseconds. */
const EVENTS_KEPT_MS = 86_400_000;
/** Events that are offered in one turn of the event loop; the store takes about 25 µs for each that is new. */
const OFFERED_MAX = 1024;
/** Before events that the store refused are offered again. Milliseconds. */
const STORE_RETRY_MS = 5000;

/** Starts nothing. */
export function createObservers(ports: ObserverPorts): Observers {
  return new ObservingNode(ports);
}

interface Occupation {
  /** Told before the plugin is free again. */
  readonly onEnded?: (outcome: RunOutcome) => void;
  /** Breaks the run off, as the end of the daemon does. */
  readonly broken?: AbortSignal;
}

interface PluginEntry extends ObservingPlugin {
  triggers: TriggerState;
  follow: FollowState | undefined;
  lastRun: PluginView['lastRun'];
}

class ObservingNode implements Observers {
  readonly #ports: ObserverPorts;
  readonly #performer: RunPerformer;
  readonly #plugins: ReadonlyMap<string, PluginEntry>;
  readonly #subscriptions: ReadonlyMap<string, SubscriptionState>;
  readonly #running = new Map<string, Promise<unknown>>();
  /** Those of them that wait for their cloud, and how that is broken off. */
  readonly #following = new Map<string, AbortController>();
  /** How many callers want to run it by hand, now. */
  readonly #wanted = new Map<string, number>();
  readonly #stopping = new AbortController();
  readonly #listeners = new Set<() => void>();
  readonly #alarm: Alarm;
  #unsubscribe: (() => void) | undefined;
  #rescanAt: Monotonic | undefined;

  constructor(ports: ObserverPorts) {
    this.#ports = ports;
    this.#performer = new RunPerformer(ports);
    this.#alarm = new Alarm(ports.clock, () => this.#onTime());
    const now = ports.clock.monotonic();
    this.#plugins = new Map(
      observingPlugins(ports.config.startup).map((each) => [
        each.plugin.metadata.name,
        {
          ...each,
          triggers: initialTriggers(each.own, now, undefined),
          follow: initialFollow(each.own, now),
          lastRun: undefined,
        },
      ]),
    );
    this.#subscriptions = new Map(
      ofKind(ports.config.startup, 'EventSubscription').map((each) => [
        each.metadata.name,
        new SubscriptionState(each, ports),
      ]),
    );
  }

  start(): void {
    if (this.#unsubscribe !== undefined || this.#stopping.signal.aborted) return;
    const { clock, facts, events } = this.#ports;
    this.#guarded('restore', () => {
      for (const [name, entry] of this.#plugins) {
        const runs = this.#ports.runs.runs(name);
        entry.lastRun = runs[0];
        const own = runs.find(({ trigger }) => trigger !== 'federation-subscription');
        const lookedThen = own?.trigger === 'follow' ? own.endedAt : own?.startedAt;
        const sinceLast = lookedThen === undefined ? undefined : clock.now() - lookedThen;
        entry.triggers = initialTriggers(entry.own, clock.monotonic(), sinceLast);
      }
      for (const subscription of this.#subscriptions.values()) subscription.restore();
      this.#ports.runs.keepOnly({ plugins: [...this.#plugins.keys()], subscriptions: [...this.#subscriptions.keys()] });
      this.#ports.runs.forgetEvents(instant(clock.now() - EVENTS_KEPT_MS));
    });
    const ofFacts = facts.onAccepted((accepted) => this.#onEvents(accepted.map(eventOf), true));
    const ofEvents = events?.onEvents((news) => this.#onEvents(news, true));
    this.#unsubscribe = () => {
      ofFacts();
      ofEvents?.();
    };
    this.#rescan();
  }

  async stop(): Promise<void> {
    this.#unsubscribe?.();
    this.#alarm.set(undefined);
    this.#stopping.abort();
    await Promise.all(this.#running.values());
  }

  plugins(): readonly PluginView[] {
    const { clock } = this.#ports;
    return [...this.#plugins.values()].map(({ plugin, descriptions, triggers, lastRun }) => {
      const { name } = plugin.metadata;
      const due = triggersDueAt(triggers);
      const nextAt = due === undefined ? undefined : instant(clock.now() + Math.max(0, due - clock.monotonic()));
      return {
        plugin,
        triggers: descriptions,
        lastRun,
        isRunning: this.#running.has(name) && !this.#following.has(name),
        isFollowing: this.#following.has(name),
        nextAt,
      };
    });
  }

  subscriptions(): readonly SubscriptionView[] {
    return [...this.#subscriptions.values()].map((subscription) => subscription.view());
  }

  runs(plugin: string): readonly PluginRun[] {
    return this.#ports.runs.runs(plugin);
  }

  async run(name: string, mode: RunOrder['mode']): Promise<Result<RunOutcome, ObserverFault>> {
    const entry = this.#plugins.get(name);
    if (entry === undefined) return err(this.#noSuchPlugin(name));
    this.#wanted.set(name, (this.#wanted.get(name) ?? 0) + 1);
    try {
      this.#following.get(name)?.abort();
      for (let under = this.#running.get(name); under !== undefined; under = this.#running.get(name)) await under;
      if (this.#stopping.signal.aborted) return err({ code: 'plugin.stopped', message: 'The daemon is stopping.' });
      const { plugin, ttlMax } = entry;
      if (mode === 'apply') entry.triggers = runStarted(entry.triggers, this.#ports.clock.monotonic()).state;
      const trigger = { type: 'manual', topic: '' } as const;
      return ok(await this.#occupy(name, { plugin, trigger, events: [], subscription: undefined, ttlMax, mode }));
    } finally {
      this.#wanted.set(name, (this.#wanted.get(name) ?? 1) - 1);
      this.#startDue();
    }
  }

  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  #noSuchPlugin(name: string): ObserverFault {
    const exists = ofKind(this.#ports.config.startup, 'Plugin').some(({ metadata }) => metadata.name === name);
    return exists
      ? { code: 'plugin.does-not-observe', message: `Plugin "${name}" executes provider actions and does not observe.` }
      : {
          code: 'plugin.not-found',
          message: `There is no plugin "${name}".`,
          remedy: 'List them with `routerctl plugin list`.',
        };
  }

  // ---- news ----

  #onEvents(events: readonly FactEvent[], isNew: boolean): void {
    const now = this.#ports.clock.monotonic();
    if (isNew) for (const entry of this.#plugins.values()) entry.triggers = withNews(entry.triggers, events, now);
    this.#guarded('offer', () => {
      for (const subscription of this.#subscriptions.values()) subscription.offer(events);
    });
    this.#startDue();
    this.#tell();
  }

  /** The store is told what it refused; what is accepted and still stands is offered again, and known events are known. */
  #rescan(): void {
    const { clock, facts, events } = this.#ports;
    this.#rescanAt = undefined;
    const now = clock.now();
    this.#guarded('settle', () => {
      for (const subscription of this.#subscriptions.values()) subscription.flush();
    });
    this.#offerInTurns(
      [...facts.accepted().map(eventOf), ...(events?.events() ?? [])].filter(({ expiresAt }) => expiresAt > now),
    );
  }

  /** A large group has as many facts as addresses: the store takes them without keeping the daemon from everything else. */
  #offerInTurns(events: readonly FactEvent[]): void {
    this.#onEvents(events.slice(0, OFFERED_MAX), false);
    if (events.length <= OFFERED_MAX) return;
    setImmediate(() => {
      if (!this.#stopping.signal.aborted) this.#offerInTurns(events.slice(OFFERED_MAX));
    });
  }

  #onTime(): void {
    if (this.#rescanAt !== undefined && this.#rescanAt <= this.#ports.clock.monotonic()) this.#rescan();
    else this.#startDue();
  }

  // ---- runs ----

  #jobs(): readonly Job[] {
    const own = [...this.#plugins].map(([plugin, { triggers }]) => ({
      name: `Plugin/${plugin}`,
      plugin,
      dueAt: triggersDueAt(triggers),
    }));
    const subscribed = [...this.#subscriptions.values()].map((subscription) => ({
      name: `EventSubscription/${subscription.name}`,
      plugin: subscription.plugin,
      dueAt: subscription.dueAt(),
    }));
    return [...own, ...subscribed];
  }

  #startDue(): void {
    if (this.#stopping.signal.aborted || this.#unsubscribe === undefined) return;
    const now = this.#ports.clock.monotonic();
    const jobs = this.#jobs();
    const busy = [...this.#running.keys()].filter((name) => !this.#following.has(name));
    const { start, lookAgainAt } = planRuns(jobs, new Set(busy), now);
    for (const { name, plugin } of start) {
      const waiting = this.#following.get(plugin);
      if (waiting !== undefined) {
        waiting.abort(); // what is due starts when it has ended
        continue;
      }
      const subscription = this.#subscriptions.get(name.slice(name.indexOf('/') + 1));
      if (name.startsWith('EventSubscription/') && subscription !== undefined) void this.#runBatch(subscription);
      else void this.#runOwn(plugin);
    }
    const due = new Set(jobs.flatMap(({ plugin, dueAt }) => (dueAt !== undefined && dueAt <= now ? [plugin] : [])));
    this.#alarm.set(earlier(earlier(lookAgainAt, this.#rescanAt), this.#startFollowing(due, now)));
  }

  /** @returns when the next may begin to wait */
  #startFollowing(due: ReadonlySet<string>, now: Monotonic): Monotonic | undefined {
    let next: Monotonic | undefined;
    for (const [name, { follow }] of this.#plugins) {
      const isTaken = this.#running.has(name) || due.has(name) || (this.#wanted.get(name) ?? 0) > 0;
      if (follow === undefined || isTaken) continue;
      if (follow.notBefore > now) next = earlier(next, follow.notBefore);
      else void this.#follow(name);
    }
    return next;
  }

  async #follow(name: string): Promise<void> {
    const entry = this.#plugins.get(name);
    if (entry === undefined) return;
    const { clock } = this.#ports;
    const startedAt = clock.monotonic();
    const broken = new AbortController();
    this.#following.set(name, broken);
    const { plugin, ttlMax } = entry;
    const trigger = { type: 'follow', topic: '' } as const;
    const order: RunOrder = { plugin, trigger, events: [], subscription: undefined, ttlMax, mode: 'apply' };
    const onEnded = ({ run }: RunOutcome): void => {
      this.#following.delete(name);
      if (run.code === 'plugin.cancelled' || entry.follow === undefined) return;
      const now = clock.monotonic();
      const hasFailed = run.result === 'Failed';
      entry.follow = followEnded(entry.follow, { hasFailed, startedAt, now });
      if (!hasFailed) entry.triggers = lookedAt(entry.triggers, now);
    };
    await this.#occupy(name, order, { onEnded, broken: broken.signal });
  }

  async #runOwn(name: string): Promise<void> {
    const entry = this.#plugins.get(name);
    if (entry === undefined) return;
    const { state, trigger, events } = runStarted(entry.triggers, this.#ports.clock.monotonic());
    entry.triggers = state;
    const { plugin, ttlMax } = entry;
    await this.#occupy(name, { plugin, trigger, events, subscription: undefined, ttlMax, mode: 'apply' });
  }

  async #runBatch(subscription: SubscriptionState): Promise<void> {
    const entry = this.#plugins.get(subscription.plugin);
    if (entry === undefined) return;
    const events = subscription.begin();
    const trigger = {
      type: 'federation-subscription',
      topic: `routerd.federation.subscription/${subscription.name}`,
    } as const;
    await this.#occupy(
      subscription.plugin,
      { plugin: entry.plugin, trigger, events, subscription: subscription.name, ttlMax: undefined, mode: 'apply' },
      {
        onEnded: ({ run }) => {
          if (run.code === 'plugin.cancelled') subscription.putBack();
          else if (run.result === 'Failed') subscription.failed(run.message);
          else subscription.applied(run.message);
        },
      },
    );
  }

  async #occupy(
    name: string,
    order: RunOrder,
    { onEnded = () => undefined, broken }: Occupation = {},
  ): Promise<RunOutcome> {
    const stopping = this.#stopping.signal;
    const signal = broken === undefined ? stopping : AbortSignal.any([stopping, broken]);
    const work = async (): Promise<RunOutcome> => {
      const outcome = await this.#performer.perform(order, signal);
      const entry = this.#plugins.get(name);
      if (entry !== undefined && leavesTrace(order, outcome.run)) entry.lastRun = outcome.run;
      this.#guarded('settle', () => onEnded(outcome));
      return outcome;
    };
    const running = work();
    this.#running.set(name, running);
    this.#tell();
    try {
      return await running;
    } finally {
      this.#running.delete(name);
      this.#startDue();
      this.#tell();
    }
  }

  /** The store may refuse; what it was told is told again in a while. */
  #guarded(what: string, work: () => void): void {
    try {
      work();
    } catch (cause) {
      this.#rescanAt = (this.#ports.clock.monotonic() + STORE_RETRY_MS) as Monotonic;
      this.#ports.log.error('the store refused what plugins observe', {
        event: 'plugin.events.not-stored',
        what,
        cause: textOf(cause),
      });
    }
  }

  #tell(): void {
    for (const listener of this.#listeners) listener();
  }
}

function earlier(a: Monotonic | undefined, b: Monotonic | undefined): Monotonic | undefined {
  if (a === undefined || b === undefined) return a ?? b;
  return a < b ? a : b;
}
