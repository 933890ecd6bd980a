/** One connection to a hub, in the way that both the federation and the operator's set-up use it. */
import { randomInt } from 'node:crypto';
import { isIP } from 'node:net';
import { err, ok, type Result } from '@routerd/resources';
import { connect, nkeyAuthenticator, type NatsConnection, type TlsOptions } from '@nats-io/transport-node';
import type { HubConfig } from '../../federation-config.ts';

/** Judged gone after two unanswered pings: 4 to 6 s. */
const PING_INTERVAL_MS = 2000;
const PINGS_UNANSWERED_MAX = 2;
/** Longer than a handshake takes on a busy machine; after it the next hub is tried. */
const CONNECT_TIMEOUT_MS = 5000;

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

/**
 * Tries one hub after another, from a random one on. The client never reconnects by itself: what it would send again from its
 * buffer after an outage is not what is right to send then. Who wants a connection again asks again.
 */
export async function connectHub(options: ConnectHubOptions): Promise<Result<NatsConnection, HubFault>> {
  const { servers } = options;
  const first = randomInt(Math.max(1, servers.length));
  const faults: HubFault[] = [];
  for (const server of [...servers.slice(first), ...servers.slice(0, first)]) {
    const connected = await connectOne(server, options);
    if (connected.ok) return connected;
    faults.push(connected.error);
  }
  const code = faults.find((fault) => fault.code === 'hub.identity-refused')?.code ?? 'hub.unreachable';
  return err({ code, detail: faults.map(({ detail }) => detail).join('; ') });
}

async function connectOne(server: string, options: ConnectHubOptions): Promise<Result<NatsConnection, HubFault>> {
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
    return ok(connection);
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
