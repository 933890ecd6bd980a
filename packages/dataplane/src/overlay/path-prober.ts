/** Measures the paths to all overlay peers: one session a path, one timer for all of them. */
import type { Ipv4, Monotonic } from '@routerd/resources';
import { Alarm, type Clock, type Log } from '@routerd/runtime';
import type { LoweredOverlayPaths, OverlayPath } from '../lower/overlay-paths.ts';
import { IP_UDP_BYTES, parsePathMessage } from './path-message.ts';
import { PathSession } from './path-session.ts';
import { unmeasuredPath, type PathPhase, type PathStatus } from './path-status.ts';
import type { PathDatagram, PathWire } from './path-wire.ts';

export interface PathProberPorts {
  readonly clock: Clock;
  readonly log: Log;
  /** Evenly between 0 and 1, 1 excluded. */
  readonly random: () => number;
  readonly wire: PathWire;
}

export interface PathProber {
  /** Takes the whole set; idempotent. A path that stays as it is goes on, another begins anew. */
  setDesired(paths: LoweredOverlayPaths): void;
  /** By name of the OverlayPeer. */
  status(peer: string): PathStatus;
  /** Called when the phase of a path or a path MTU changed. Times and losses change all the time, and are read. */
  onChange(listener: () => void): () => void;
  /** Sends no more, and answers no more. */
  stop(): Promise<void>;
}

export function createPathProber(ports: PathProberPorts): PathProber {
  return new Prober(ports);
}

class Prober implements PathProber {
  readonly #ports: PathProberPorts;
  readonly #sessions = new Map<string, PathSession>();
  readonly #byAddress = new Map<Ipv4, PathSession>();
  readonly #told = new Map<string, string>();
  readonly #listeners = new Set<() => void>();
  readonly #alarm: Alarm;
  readonly #unsubscribe: () => void;
  #unmeasured: LoweredOverlayPaths['unmeasured'] = new Map();

  constructor(ports: PathProberPorts) {
    this.#ports = ports;
    this.#alarm = new Alarm(ports.clock, () => this.#onTime());
    this.#unsubscribe = ports.wire.onHeard((datagram) => this.#onHeard(datagram));
  }

  setDesired({ paths, unmeasured }: LoweredOverlayPaths): void {
    this.#unmeasured = unmeasured;
    const desired = new Map(paths.map((path) => [path.peer, path]));
    for (const [peer, session] of this.#sessions)
      if (textOf(session.path) !== textOf(desired.get(peer))) this.#sessions.delete(peer);
    for (const [peer, path] of desired) if (!this.#sessions.has(peer)) this.#sessions.set(peer, this.#begin(path));
    this.#byAddress.clear();
    for (const session of this.#sessions.values()) this.#byAddress.set(session.path.to, session);
    this.#ports.wire.listen([...new Set(paths.map(({ from }) => from))].toSorted());
    this.#tell();
  }

  status(peer: string): PathStatus {
    const session = this.#sessions.get(peer);
    if (session !== undefined) return session.status(this.#ports.clock.monotonic());
    return unmeasuredPath(this.#unmeasured.get(peer) ?? 'it is not in effect');
  }

  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  async stop(): Promise<void> {
    this.#alarm.set(undefined);
    this.#unsubscribe();
    this.#listeners.clear();
    this.#sessions.clear();
    await this.#ports.wire.stop();
  }

  #begin(path: OverlayPath): PathSession {
    const { clock, random, wire } = this.#ports;
    const { from, to } = path;
    const chance = {
      token: () => wire.token(),
      session: Math.floor(random() * 0x1_0000_0000),
      phase: random(),
    };
    return new PathSession(path, chance, clock.monotonic(), (payload) => wire.send({ from, to, payload }));
  }

  #onHeard({ from, to, payload }: PathDatagram): void {
    const session = this.#byAddress.get(from);
    if (session === undefined || session.path.from !== to) return;
    const message = parsePathMessage(payload);
    if (message === undefined) return;
    const now = this.#ports.clock.monotonic();
    if (message.kind === 'ask') session.onAsk(message, payload.length + IP_UDP_BYTES, now);
    else session.onAnswer(message, now);
    this.#tell();
  }

  #onTime(): void {
    const now = this.#ports.clock.monotonic();
    for (const session of this.#sessions.values()) if (session.dueAt() <= now) session.onTime(now);
    this.#tell();
  }

  /** Tells what changed, and sets the timer. */
  #tell(): void {
    const now = this.#ports.clock.monotonic();
    const due = Math.min(...[...this.#sessions.values()].map((session) => session.dueAt()));
    this.#alarm.set(this.#sessions.size === 0 ? undefined : (due as Monotonic));
    let hasChanged = false;
    for (const [peer, session] of this.#sessions) {
      const { phase, mtuToPeer, mtuFromPeer, estimatedMtu } = session.status(now);
      const text = `${phase} ${mtuToPeer ?? '?'} ${mtuFromPeer ?? '?'}`;
      const before = this.#told.get(peer);
      if (before === text) continue;
      this.#told.set(peer, text);
      hasChanged = true;
      this.#say(peer, phase, before, { mtuToPeer, mtuFromPeer, estimatedMtu });
    }
    for (const peer of this.#told.keys()) if (!this.#sessions.has(peer)) this.#told.delete(peer);
    if (hasChanged) for (const listener of this.#listeners) listener();
  }

  #say(peer: string, phase: PathPhase, before: string | undefined, mtu: Readonly<Record<string, unknown>>): void {
    if (before?.startsWith(`${phase} `) === true || (before === undefined && phase === 'probing')) return;
    const fields = { event: 'dataplane.path.changed', peer, phase, ...mtu };
    if (phase === 'up' || phase === 'probing') this.#ports.log.info('an overlay path changed', fields);
    else this.#ports.log.warn('an overlay path is not answered', fields);
  }
}

function textOf(path: OverlayPath | undefined): string {
  return JSON.stringify(path) ?? '';
}
