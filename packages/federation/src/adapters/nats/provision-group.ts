/** What an operator sets up once for a group: its two streams. */
import {
  DiscardPolicy,
  JetStreamApiCodes,
  JetStreamApiError,
  jetstreamManager,
  RetentionPolicy,
  StorageType,
  type JetStreamManager,
  type StreamConfig,
  type StreamInfo,
} from '@nats-io/jetstream';
import { nanos } from '@nats-io/transport-node';
import { durationMs, err, ok, type Result } from '@routerd/resources';
import type { EventRetention } from '../../event.ts';
import type { HubConfig } from '../../federation-config.ts';
import {
  captureStream,
  eventsStream,
  factsStream,
  rosterStream,
  rosterSubject,
  type GroupName,
} from '../../subjects.ts';
import { ROSTER_BYTES_MAX } from '../../enrolment/roster.ts';
import { WIRE_BYTES_MAX } from '../../wire/bounded-json.ts';
import { CAPTURES_PER_SUBJECT, FACTS_PER_SUBJECT } from '../stream-limits.ts';
import { connectHub, describe, type HubFault } from './connect-hub.ts';

export interface ProvisionGroupOptions extends HubConfig {
  readonly group: GroupName;
  /** NKey seed of the operator's user. Secret. */
  readonly seed: string;
  /** Hubs that keep each stream: 1 or, in production, 3. A stream that has more keeps them: not every hub may know of all yet. */
  readonly replicas?: number;
  /** What the stream of events keeps; 100,000 and a day unless told. */
  readonly retention?: EventRetention;
}

export interface ProvisionedGroup {
  readonly streams: readonly {
    readonly name: string;
    readonly outcome: 'created' | 'updated';
    /** Server name of the hub that orders what is written; undefined where hubs are no cluster, or have none now. */
    readonly leader: string | undefined;
    /** How many hubs keep it. */
    readonly replicas: number;
  }[];
}

/**
 * Creates the streams, or brings their settings up to date; what they hold stays. Safe to repeat.
 *
 * A stream is created only when every hub was asked and none has it: a hub that still stands alone may hold what the others lack, and two
 * logs of captures would let two routers win one epoch.
 */
export async function provisionGroup(options: ProvisionGroupOptions): Promise<Result<ProvisionedGroup, HubFault>> {
  const connected = await connectHub({ ...options, ...OPERATOR });
  if (!connected.ok) return connected;
  try {
    const manager = await jetstreamManager(connected.value.connection, { checkAPI: false });
    const streams = [];
    for (const config of streamsOf(options.group, options.replicas ?? 1, options.retention)) {
      const there = await find(manager, config.name);
      if (there === undefined) {
        const elsewhere = await holderOf(config.name, options, connected.value.server);
        if (elsewhere !== undefined) return err(elsewhere);
      }
      streams.push(await ensure(manager, config, there?.config.num_replicas));
    }
    return ok({ streams });
  } catch (cause) {
    return err({ code: 'hub.failed', detail: describe(cause) });
  } finally {
    await connected.value.connection.close();
  }
}

/** How the operator's programs connect. */
export const OPERATOR = { name: 'routerd operator', inboxPrefix: '_INBOX_OPERATOR' } as const;

const RETENTION: EventRetention = { maxEvents: 100_000, maxAge: durationMs(86_400_000) };

type StreamSettings = Partial<StreamConfig> & { readonly name: string };

function streamsOf(
  group: GroupName,
  replicas: number,
  retention: EventRetention = RETENTION,
): readonly StreamSettings[] {
  const settings = {
    storage: StorageType.File,
    retention: RetentionPolicy.Limits,
    discard: DiscardPolicy.Old,
    num_replicas: replicas,
    max_msg_size: WIRE_BYTES_MAX,
    // Within this a message that is sent again is stored once.
    duplicate_window: nanos(120_000),
    // Direct reads come from any replica and were stale in 2 to 3 % of reads after a write elsewhere.
    allow_direct: false,
  };
  return [
    {
      ...settings,
      name: factsStream(group),
      subjects: [`sam.v1.${group}.facts.>`],
      max_msgs_per_subject: FACTS_PER_SUBJECT,
    },
    {
      ...settings,
      name: captureStream(group),
      subjects: [`sam.v1.${group}.capture.>`],
      max_msgs_per_subject: CAPTURES_PER_SUBJECT,
    },
    {
      ...settings,
      name: eventsStream(group),
      subjects: [`sam.v1.${group}.events.>`],
      max_msgs: retention.maxEvents,
      max_age: nanos(retention.maxAge),
    },
    {
      ...settings,
      name: rosterStream(group),
      subjects: [rosterSubject(group)],
      max_msgs_per_subject: 1,
      max_msg_size: ROSTER_BYTES_MAX,
    },
  ];
}

async function ensure(
  manager: JetStreamManager,
  config: StreamSettings,
  replicas: number | undefined,
): Promise<ProvisionedGroup['streams'][number]> {
  if (replicas === undefined) {
    const made = await manager.streams.add(config);
    return { name: config.name, outcome: 'created', leader: made.cluster?.leader, replicas: made.config.num_replicas };
  }
  const kept = Math.max(replicas, config.num_replicas ?? 1);
  const updated = await manager.streams.update(config.name, { ...config, num_replicas: kept });
  return {
    name: config.name,
    outcome: 'updated',
    leader: updated.cluster?.leader,
    replicas: updated.config.num_replicas,
  };
}

/** @returns undefined where the hub says that there is none */
export async function find(manager: JetStreamManager, stream: string): Promise<StreamInfo | undefined> {
  try {
    return await manager.streams.info(stream);
  } catch (cause) {
    const isAbsent = cause instanceof JetStreamApiError && cause.code === JetStreamApiCodes.StreamNotFound;
    if (!isAbsent) throw cause;
    return undefined;
  }
}

/** @returns why the stream may exist at another hub than `asked`; undefined when all say that it does not */
async function holderOf(stream: string, options: ProvisionGroupOptions, asked: string): Promise<HubFault | undefined> {
  for (const server of options.servers.filter((each) => each !== asked)) {
    const connected = await connectHub({ ...options, servers: [server], ...OPERATOR });
    if (!connected.ok) {
      const detail = `${stream} is made when every hub was asked whether it has it; ${connected.error.detail}`;
      return { ...connected.error, detail };
    }
    try {
      const manager = await jetstreamManager(connected.value.connection, { checkAPI: false });
      const found = await find(manager, stream);
      if (found !== undefined)
        return { code: 'hub.failed', detail: `${server} holds ${stream}, and is in no cluster with ${asked} yet` };
    } finally {
      await connected.value.connection.close();
    }
  }
  return undefined;
}
