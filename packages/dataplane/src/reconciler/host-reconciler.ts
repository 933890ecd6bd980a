/**
 * Keeps a host as it is desired.
 *
 * 1. One apply is in flight at a time; of several desired states the latest wins.
 * 2. The last reading is kept current by the ops that landed, so a change of the desired state costs a diff and one apply, no reading.
 * 3. The host is read again when the kernel reports a change that is not our own, and after anything failed. Closing a capture waits for no reading.
 * 4. What must be put back later is in the ledger before the change is made.
 * 5. Stopping leaves the kernel as it is, and starting with the same desired state changes nothing.
 */
import type { HostAddress, Monotonic } from '@routerd/resources';
import type { Clock, Log } from '@routerd/runtime';
import { describeOp } from '../describe-op.ts';
import { diffHost, mustClose, type DiffOptions } from '../diff/diff-host.ts';
import { diffSince } from '../diff/diff-since.ts';
import type { HostOp, ObservedHost } from '../host-op.ts';
import type { HostState } from '../host-state.ts';
import { HostPicture } from '../host-picture.ts';
import type { Host, HostEvent, OwnedObject, OwnershipLedger, Residual } from '../ports.ts';
import { takenOffBy, type AddressTakenOff } from './addresses-taken-off.ts';
import { contradicts } from './kernel-echo.ts';
import { Overtakable } from './overtakable.ts';
import { OwnershipMirror } from './ownership-mirror.ts';
import { divide, type Withhold, type WithheldOp } from './withholding.ts';

export interface HostReconcilerPorts {
  readonly host: Host;
  readonly ledger: OwnershipLedger;
  readonly clock: Clock;
  readonly log: Log;
}

export interface HostReconcilerStatus {
  /** What the host last showed, and our changes since; undefined until it was read. */
  readonly observed: ObservedHost | undefined;
  /** The latest desired state is in the kernel, as far as is known. */
  readonly settled: boolean;
  /** What did not land at the last apply; it is tried again. */
  readonly residuals: readonly Residual[];
  /** What is needed and not made; asked anew with each change. */
  readonly withheld: readonly WithheldOp[];
  /** Why nothing is ever made on this host; undefined where it is. */
  readonly unsupported: string | undefined;
  /** Captured addresses that were found on this host and taken off it since the start. */
  readonly addressesTakenOff: ReadonlyMap<HostAddress, AddressTakenOff>;
  /** What was recorded to be put back or taken away: first values of settings, and what carries no mark of ours. */
  readonly owned: readonly OwnedObject[];
  /** Ops that landed since the start. */
  readonly opsLanded: number;
  /** Of these, ops that landed right after a reading: what others had changed, what had failed, what was missing at the start. */
  readonly opsRepaired: number;
  /** Readings since the start. */
  readonly readings: number;
  /** Why the last reading failed; undefined when it did not. */
  readonly readingFault: string | undefined;
}

/** What a desired state comes with. */
export interface DesiredOptions extends DiffOptions {
  /** Without it nothing is withheld. */
  readonly withhold?: Withhold;
}

export interface HostReconciler {
  /** @param options what is kept of a host while the desired state is known to be incomplete, and what is never made; nothing unless told */
  setDesired(state: HostState, options?: DesiredOptions): void;
  /** Resolves when nothing is left to do but to wait: all landed, or what is left over waits for its next try. */
  settled(): Promise<void>;
  status(): HostReconcilerStatus;
  /** Addresses that the kernel answers ARP for; undefined until the host was read, and where it never can. The same set until it changes. */
  captured(): ReadonlySet<HostAddress> | undefined;
  /** Reads the host now, whatever is known of it. */
  refresh(): Promise<void>;
  /** Told after each reading and each apply. */
  onChange(listener: () => void): () => void;
  onNeighbor(listener: (event: NeighborEvent) => void): () => void;
  /** Reads the host, then follows it. */
  start(): void;
  /** Waits for an apply in flight; the kernel stays as it is. */
  stop(): Promise<void>;
}

export type NeighborEvent = Extract<HostEvent, { readonly kind: 'neighbor' }>;
type ChangedEvent = Extract<HostEvent, { readonly kind: 'changed' }>;

/** Kernel events come in bursts; they are looked at together. */
const EVENT_BURST_MS = 5;
/** A host whose links change all the time is read for a third of the time at most: after a reading, events wait twice as long as it took. */
const QUIET_SHARE = 2;
/**
 * What the kernel does not report (a proxy neighbour that somebody deletes, a WireGuard peer, most settings that the kernel itself changes) is
 * found by a reading now and then. It is on no path of a change. A host with few objects is read within milliseconds and looked at every ten
 * seconds; of a large one the readings take at most this share of the time, and it is looked at once a minute at least.
 */
const AUDIT_SHARE = 1 / 500;
const AUDIT_MS_MIN = 10_000;
const AUDIT_MS_MAX = 60_000;
const CHANGES_CAPTURED: readonly HostOp['verb'][] = ['proxy-neighbor-add', 'proxy-neighbor-remove', 'wireguard-remove'];
const RETRY_AFTER_MS_MIN = 100;
const RETRY_AFTER_MS_MAX = 5000;

export function createHostReconciler(ports: HostReconcilerPorts): HostReconciler {
  return new LevelReconciler(ports);
}

class LevelReconciler implements HostReconciler {
  readonly #ports: HostReconcilerPorts;
  readonly #ownership: OwnershipMirror;
  readonly #stopping = new AbortController();
  readonly #changeListeners = new Set<() => void>();
  readonly #neighborListeners = new Set<(event: NeighborEvent) => void>();
  #watching: { stop(): Promise<void> } | undefined;
  #desired: HostState | undefined;
  #options: DesiredOptions = {};
  /** What the host last showed, and our changes since. */
  #picture: HostPicture | undefined;
  /** The picture shows all of this; undefined when it may not. */
  #agreed: HostState | undefined;
  /** Paths that the last reading was asked for, whether they exist or not. */
  #settingsRead: ReadonlySet<string> = new Set();
  #captured: ReadonlySet<HostAddress> | undefined;
  #residuals: readonly Residual[] = [];
  #withheld: readonly WithheldOp[] = [];
  #events: ChangedEvent[] = [];
  #bursting: Promise<undefined> | undefined;
  readonly #reading = new Overtakable<Awaited<ReturnType<Host['observe']>>>();
  #mustRead = true;
  #mustDiff = false;
  #running: Promise<void> | undefined;
  /** Somebody wanted work to be done since it last began. */
  #asked = false;
  #retry: AbortController | undefined;
  #retryAfterMs = RETRY_AFTER_MS_MIN;
  /** The same ops were needed again right after they had landed: they take no effect, or somebody undoes them. */
  #contested = false;
  /** The ops that landed at the last apply, unless another state was desired since. */
  #lastLanded: readonly HostOp[] = [];
  /** What stays the same is said once, however often it is tried. */
  #reportedResiduals = '';
  /** Monotonic milliseconds before which events lead to no reading. */
  #readAgainFrom = 0;
  #addressesTakenOff: ReadonlyMap<HostAddress, AddressTakenOff> = new Map();
  #opsLanded = 0;
  #opsRepaired = 0;
  #readings = 0;
  #readingFault: string | undefined;
  /** How long the last reading took. */
  #readingMs = 0;

  constructor(ports: HostReconcilerPorts) {
    this.#ports = ports;
    this.#ownership = new OwnershipMirror(ports.ledger);
  }

  start(): void {
    this.#watching = this.#ports.host.watch((event) => this.#onEvent(event));
    this.#run();
    void this.#audit();
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    this.#retry?.abort();
    await this.#watching?.stop();
    await this.#running;
  }

  setDesired(state: HostState, options: DesiredOptions = {}): void {
    this.#desired = state;
    // What a setting was must be known before it is changed.
    if (state.sysctls.some(({ path }) => !this.#isRead(path.join('/')))) this.#mustRead = true;
    else if (this.#reading.isAwaited && mustClose(state, this.#picture?.observed(), options)) this.#reading.overtake();
    this.#options = options;
    this.#mustDiff = true;
    this.#lastLanded = [];
    this.#retryAfterMs = RETRY_AFTER_MS_MIN;
    this.#run();
  }

  async settled(): Promise<void> {
    for (;;) {
      const work = this.#running ?? this.#bursting;
      if (work === undefined) return;
      await work;
    }
  }

  async refresh(): Promise<void> {
    this.#mustRead = true;
    this.#run();
    await this.settled();
  }

  status(): HostReconcilerStatus {
    return {
      observed: this.#picture?.observed(),
      settled: this.#running === undefined && this.#isDone() && !this.#mustRead && !this.#mustDiff,
      residuals: this.#residuals,
      withheld: this.#withheld,
      unsupported: this.#ports.host.unsupported,
      addressesTakenOff: this.#addressesTakenOff,
      owned: this.#ownership.entries(),
      opsLanded: this.#opsLanded,
      opsRepaired: this.#opsRepaired,
      readings: this.#readings,
      readingFault: this.#readingFault,
    };
  }

  #isDone(): boolean {
    const { unsupported } = this.#ports.host;
    return this.#residuals.length === 0 && this.#withheld.length === 0 && unsupported === undefined;
  }

  captured(): ReadonlySet<HostAddress> | undefined {
    return this.#captured;
  }

  onChange(listener: () => void): () => void {
    this.#changeListeners.add(listener);
    return () => this.#changeListeners.delete(listener);
  }

  onNeighbor(listener: (event: NeighborEvent) => void): () => void {
    this.#neighborListeners.add(listener);
    return () => this.#neighborListeners.delete(listener);
  }

  // ---- news ----

  #onEvent(event: HostEvent): void {
    if (event.kind === 'neighbor') {
      for (const listener of this.#neighborListeners) listener(event);
      return;
    }
    this.#events.push(event);
    const wait = Math.max(EVENT_BURST_MS, this.#readAgainFrom - this.#ports.clock.monotonic());
    this.#bursting ??= this.#sleep(wait, this.#stopping.signal).then(() => {
      this.#bursting = undefined;
      this.#weighEvents();
      return undefined;
    });
  }

  /** While an apply is in flight nobody knows what landed: its end looks at the events. So does the end of a burst. */
  #weighEvents(): void {
    if (this.#running !== undefined || this.#bursting !== undefined) return;
    const events = this.#events;
    this.#events = [];
    if (this.#picture === undefined || contradicts(this.#picture, events)) this.#mustRead = true;
    // Somebody undoes what we do: without a pause the two of us would keep the host busy.
    if (!this.#contested) this.#run();
  }

  async #audit(): Promise<void> {
    const { signal } = this.#stopping;
    for (;;) {
      await this.#sleep(Math.min(AUDIT_MS_MAX, Math.max(AUDIT_MS_MIN, this.#readingMs / AUDIT_SHARE)), signal);
      if (signal.aborted) return;
      this.#mustRead = true;
      this.#run();
    }
  }

  // ---- work ----

  #run(): void {
    this.#asked = true;
    if (this.#running !== undefined || this.#stopping.signal.aborted || this.#watching === undefined) return;
    if (!this.#mustRead && !this.#mustDiff) return;
    this.#asked = false;
    this.#retry?.abort();
    this.#retry = undefined;
    this.#running = this.#work().finally(() => {
      this.#running = undefined;
      if (this.#events.length > 0) this.#weighEvents();
      // What was asked for after the last look of `#work` started nothing by itself. What failed was not asked for: it waits.
      if (this.#asked) this.#run();
    });
  }

  async #work(): Promise<void> {
    while ((this.#mustRead || this.#mustDiff) && !this.#stopping.signal.aborted) {
      this.#asked = false;
      const read = this.#mustRead ? await this.#read() : 'not';
      if (read === 'failed') return this.#retryLater();
      if (read === 'overtaken') this.#mustRead = true;
      const failed = await this.#applyOnce(read === 'done');
      this.#tell();
      if (failed) return this.#retryLater();
    }
  }

  #isRead(setting: string): boolean {
    return this.#picture === undefined || this.#picture.hasSetting(setting) || this.#settingsRead.has(setting);
  }

  async #read(): Promise<'done' | 'failed' | 'overtaken'> {
    this.#mustRead = false;
    this.#events = [];
    const startedAt = this.#ports.clock.monotonic();
    const settings = this.#desired?.sysctls.map(({ path }) => path) ?? [];
    const reading = await this.#reading.run(async () => this.#ports.host.observe(settings));
    if (reading === undefined) return 'overtaken';
    const endedAt = this.#ports.clock.monotonic();
    this.#readingMs = endedAt - startedAt;
    this.#readAgainFrom = endedAt + QUIET_SHARE * this.#readingMs;
    this.#readings += 1;
    this.#readingFault = reading.ok ? undefined : reading.error.detail;
    if (!reading.ok) {
      this.#mustRead = true;
      this.#ports.log.warn('the host could not be read', {
        event: 'dataplane.observe.failed',
        code: reading.error.code,
        detail: reading.error.detail,
      });
      this.#tell();
      return 'failed';
    }
    this.#picture = new HostPicture(reading.value);
    this.#agreed = undefined;
    this.#noteCaptured();
    this.#settingsRead = new Set(settings.map((path) => path.join('/')));
    this.#mustDiff = this.#desired !== undefined;
    return 'done';
  }

  /** @returns true if it must be tried again later */
  async #applyOnce(afterReading: boolean): Promise<boolean> {
    const [desired, picture] = [this.#desired, this.#picture];
    this.#mustDiff = false;
    if (desired === undefined || picture === undefined || this.#ports.host.unsupported !== undefined) return false;
    const retainSurplus = this.#options.retainSurplus === true;
    const needed =
      this.#agreed === undefined || retainSurplus
        ? diffHost(desired, picture.observed(), this.#ownership.entries(), this.#options)
        : diffSince(this.#agreed, desired, picture, this.#ownership.entries());
    const ops = this.#withhold(needed, picture);
    this.#agreed = retainSurplus || this.#withheld.length > 0 ? undefined : desired;
    if (ops.length === 0) {
      this.#residuals = [];
      this.#lastLanded = [];
      this.#contested = false;
      this.#retryAfterMs = RETRY_AFTER_MS_MIN;
      return false;
    }
    const { recorded, left: unrecorded } = this.#ownership.recordBefore(ops);
    const residuals = [...unrecorded, ...(await this.#ports.host.apply(recorded))];
    const left = new Set(residuals.map(({ op }) => op));
    const landed = left.size === 0 ? ops : ops.filter((op) => !left.has(op));
    this.#ownership.forgetAfter(landed);
    picture.land(landed);
    if (residuals.length > 0) this.#agreed = undefined;
    if (landed.some((op) => takesOthersAlong(op))) {
      // The kernel may have taken routes with it.
      this.#mustDiff = true;
      this.#agreed = undefined;
    }
    if (landed.some((op) => CHANGES_CAPTURED.includes(op.verb) || takesOthersAlong(op))) this.#noteCaptured();
    this.#opsLanded += landed.length;
    if (afterReading) this.#opsRepaired += landed.length;
    this.#addressesTakenOff = takenOffBy(landed, this.#addressesTakenOff);
    this.#report(landed, residuals);
    this.#residuals = residuals;
    this.#contested = afterReading && landed.length > 0 && textOf(landed) === textOf(this.#lastLanded);
    this.#lastLanded = landed;
    return residuals.length > 0 || this.#contested;
  }

  /** What is withheld stays so until something else is desired or found; it is said once. */
  #withhold(needed: readonly HostOp[], picture: HostPicture): readonly HostOp[] {
    const { withhold } = this.#options;
    const found = withhold === undefined || needed.length === 0 ? [] : withhold(needed, picture.rest());
    const { made, withheld } = divide(needed, found);
    const known = new Set(this.#withheld.map(({ op, reason }) => `${describeOp(op)} ${reason}`));
    this.#withheld = withheld;
    for (const { op, reason } of withheld)
      if (!known.has(`${describeOp(op)} ${reason}`))
        this.#ports.log.warn('a change of the host is withheld', {
          event: 'dataplane.host.withheld',
          op: describeOp(op),
          reason,
        });
    return made;
  }

  /** What failed is read anew before it is tried again: the failure says that the reading was wrong, or the host is changing. */
  #retryLater(): void {
    this.#mustRead = true;
    const wait = this.#retryAfterMs;
    this.#retryAfterMs = Math.min(wait * 2, RETRY_AFTER_MS_MAX);
    const retry = new AbortController();
    this.#retry = retry;
    void this.#sleep(wait, retry.signal).then(() => {
      if (!retry.signal.aborted) this.#run();
      return undefined;
    });
  }

  #report(landed: readonly HostOp[], residuals: readonly Residual[]): void {
    const { log } = this.#ports;
    if (landed.length > 0)
      log.info('host changed', {
        event: 'dataplane.host.applied',
        count: landed.length,
        ops: landed.slice(0, 20).map(describeOp),
      });
    const text = residuals.map(({ op, fault }) => `${describeOp(op)}: ${fault.detail}`).join('\n');
    const isKnown = text === this.#reportedResiduals;
    this.#reportedResiduals = text;
    if (isKnown) return;
    for (const { op, fault } of residuals.slice(0, 20))
      log.warn('a change of the host did not land; it is tried again', {
        event: 'dataplane.host.residual',
        op: describeOp(op),
        code: fault.code,
        detail: fault.detail,
        ofCount: residuals.length,
      });
  }

  #tell(): void {
    for (const listener of this.#changeListeners) listener();
  }

  #noteCaptured(): void {
    if (this.#ports.host.unsupported !== undefined) return;
    const captured = new Set(this.#picture?.observed().proxyNeighbors.map(({ address }) => address));
    if (this.#captured === undefined || !isSame(this.#captured, captured)) this.#captured = captured;
  }

  async #sleep(milliseconds: number, signal: AbortSignal): Promise<void> {
    const { clock } = this.#ports;
    await clock.sleepUntil((clock.monotonic() + milliseconds) as Monotonic, signal);
  }
}

function textOf(ops: readonly HostOp[]): string {
  return ops.map(describeOp).join('\n');
}

/** A device that goes takes its routes and proxy neighbours with it; so do its last address, and a link that goes down. */
function takesOthersAlong(op: HostOp): boolean {
  if (op.verb === 'link-set' || op.verb === 'link-restore') return op.setting.value === 'down';
  return op.verb === 'address-remove' || op.verb === 'tunnel-remove';
}

function isSame<T>(a: ReadonlySet<T>, b: ReadonlySet<T>): boolean {
  return a.size === b.size && [...a].every((item) => b.has(item));
}
