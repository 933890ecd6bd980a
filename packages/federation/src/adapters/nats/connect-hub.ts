/** One connection to a hub, in the way that both the federation and the operator's set-up use it. */
import { err, ok, type Result } from '@routerd/resources';
import { connect, nkeyAuthenticator, type NatsConnection } from '@nats-io/transport-node';
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
 * The client never reconnects by itself: what it would send again from its buffer after an outage is not what is right to
 * send then. Who wants a connection again asks again.
 */
export async function connectHub(options: ConnectHubOptions): Promise<Result<NatsConnection, HubFault>> {
  const { servers, caFile, seed, name, inboxPrefix } = options;
  try {
    const wantsTls = servers.some((server) => server.startsWith('tls://'));
    const connection = await connect({
      servers: [...servers],
      name,
      inboxPrefix,
      authenticator: nkeyAuthenticator(new TextEncoder().encode(seed)),
      ...(wantsTls ? { tls: caFile === undefined ? {} : { caFile } } : {}),
      reconnect: false,
      ignoreClusterUpdates: true,
      pingInterval: PING_INTERVAL_MS,
      maxPingOut: PINGS_UNANSWERED_MAX,
      timeout: CONNECT_TIMEOUT_MS,
      noAsyncTraces: true,
    });
    return ok(connection);
  } catch (cause) {
    const detail = `${servers.join(', ')}: ${describe(cause)}`;
    const isRefused = cause instanceof Error && /authorization violation/i.test(cause.message);
    return err({ code: isRefused ? 'hub.identity-refused' : 'hub.unreachable', detail });
  }
}

export function describe(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause);
}
