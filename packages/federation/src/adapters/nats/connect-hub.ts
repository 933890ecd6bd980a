/** One connection to a hub, in the way that both the federation and the operator's set-up use it. */
import { randomInt } from 'node:crypto';
import { isIP } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { err, ok, type Result } from '@routerd/resources';
import { connect, nkeyAuthenticator, type NatsConnection, type TlsOptions } from '@nats-io/transport-node';
import type { HubConfig } from '../../federation-config.ts';

/** Judged gone after two unanswered pings: 4 to 6 s. */
const PING_INTERVAL_MS = 2000;
const PINGS_UNANSWERED_MAX = 2;
/** Longer than a handshake takes on a busy machine. */
const CONNECT_TIMEOUT_MS = 5000;
/** TCP asks again after 1, 3 and 7 s; a new attempt asks now. */
const NEXT_ATTEMPT_MS = 1000;
const ATTEMPTS_MAX = 5;

export interface HubFault {
  readonly code: 'hub.unreachable' | 'hub.identity-refused' | 'hub.failed';
  readonly detail: string;
}

export interface ConnectHubOptions extends HubConfig {
  /** NKey seed of the user. */
  readonly seed: string;
  /** Shown in the hub's monitoring. */
  readonly name: string;
  readonly inboxPrefix: string;
}

export interface HubConnection {
  readonly connection: NatsConnection;
  /** As it is written in `servers`. */
  readonly server: string;
}

/**
 * Tries the hubs in turn, from a random one on, and takes the first that answers. A hub that is silent is not waited for: the next attempt
 * begins beside it, also at the same hub, since a connection that was begun while a link swallowed everything asks again ever more rarely.
 *
 * The client never reconnects by itself: what it would send again from its buffer after an outage is not what is right to send then.
 * Who wants a connection again asks again.
 */
export async function connectHub(options: ConnectHubOptions): Promise<Result<HubConnection, HubFault>> {
  const { servers } = options;
  const first = randomInt(Math.max(1, servers.length));
  const inTurn = [...servers.slice(first), ...servers.slice(0, first)];
  const race = new ConnectionRace();
  for (let turn = 0; turn < Math.max(inTurn.length, ATTEMPTS_MAX); turn++) {
    // After one round, hubs that have answered are not asked again: whoever called does so later.
    if (turn >= inTurn.length && race.pending === 0) break;
    race.enter(connectOne(inTurn[turn % inTurn.length] ?? '', options));
    const won = await race.outcome(NEXT_ATTEMPT_MS);
    if (won !== undefined) return ok(won);
  }
  while (race.pending > 0) {
    const won = await race.outcome(CONNECT_TIMEOUT_MS);
    if (won !== undefined) return ok(won);
  }
  const faults = new Map(race.faults.map((fault) => [fault.detail, fault]));
  const code = race.faults.find((fault) => fault.code === 'hub.identity-refused')?.code ?? 'hub.unreachable';
  return err({ code, detail: [...faults.keys()].join('; ') });
}

/** Attempts that run beside each other. The first connection is taken, those that come later are closed. */
class ConnectionRace {
  readonly faults: HubFault[] = [];
  pending = 0;
  #winner: HubConnection | undefined;
  #taken = false;
  #changed = Promise.withResolvers<void>();

  enter(attempt: Promise<Result<HubConnection, HubFault>>): void {
    this.pending += 1;
    void attempt.then((result) => {
      this.pending -= 1;
      if (!result.ok) this.faults.push(result.error);
      else if (this.#taken || this.#winner !== undefined) void result.value.connection.close();
      else this.#winner = result.value;
      this.#changed.resolve();
      this.#changed = Promise.withResolvers<void>();
    });
  }

  /** Waits for one attempt to end, or for `milliseconds`. */
  async outcome(milliseconds: number): Promise<HubConnection | undefined> {
    const waiting = new AbortController();
    const passed = delay(milliseconds, undefined, { signal: waiting.signal }).catch(() => undefined);
    await Promise.race([this.#changed.promise, passed]);
    waiting.abort();
    this.#taken = this.#winner !== undefined;
    return this.#winner;
  }
}

async function connectOne(server: string, options: ConnectHubOptions): Promise<Result<HubConnection, HubFault>> {
  const { caFile, seed, name, inboxPrefix } = options;
  try {
    const connection = await connect({
      servers: server,
      name,
      inboxPrefix,
      authenticator: nkeyAuthenticator(new TextEncoder().encode(seed)),
      ...(server.startsWith('tls://') ? { tls: tlsFor(server, caFile) } : {}),
      reconnect: false,
      ignoreClusterUpdates: true,
      pingInterval: PING_INTERVAL_MS,
      maxPingOut: PINGS_UNANSWERED_MAX,
      timeout: CONNECT_TIMEOUT_MS,
      noAsyncTraces: true,
    });
    return ok({ connection, server });
  } catch (cause) {
    const isRefused = cause instanceof Error && /authorization violation/i.test(cause.message);
    return err({
      code: isRefused ? 'hub.identity-refused' : 'hub.unreachable',
      detail: `${server}: ${describe(cause)}`,
    });
  }
}

/**
 * For a server by address the client names none to TLS, which would then expect a certificate for `localhost`. Node compares with `host`
 * where no server name is given, and the client hands on what it does not know.
 */
function tlsFor(server: string, caFile: string | undefined): TlsOptions {
  const host = /^tls:\/\/(.*):\d+$/.exec(server)?.[1] ?? '';
  return Object.assign<TlsOptions, { host?: string }>(
    caFile === undefined ? {} : { caFile },
    isIP(host) === 0 ? {} : { host },
  );
}

export function describe(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause);
}
