/** Asks hubs, each by itself, what they know of the group's streams: before one of the others is taken out. */
import { jetstreamManager, type StreamInfo } from '@nats-io/jetstream';
import type { NodeName } from '@routerd/resources';
import type { HubSurvey } from '../../enrolment/hub-removal.ts';
import { captureStream, eventsStream, factsStream, type GroupName } from '../../subjects.ts';
import { connectHub, describe } from './connect-hub.ts';
import { find, OPERATOR } from './provision-group.ts';

export interface HubSurveyOptions {
  readonly group: GroupName;
  /** The hubs to ask, and how each is reached. */
  readonly hubs: ReadonlyMap<NodeName, string>;
  readonly caFile: string;
  /** NKey seed of the operator's user. Secret. */
  readonly seed: string;
}

type Answer = { readonly streams: readonly StreamInfo[] } | { readonly silent: string };

export async function surveyHubs(options: HubSurveyOptions): Promise<HubSurvey> {
  const answers = await Promise.all([...options.hubs].map(async ([name, server]) => ask(options, name, server)));
  const silent = answers.flatMap((answer) => ('silent' in answer ? [answer.silent] : []));
  const streams = answers.flatMap((answer) => ('streams' in answer ? answer.streams : []));
  return { silent, streams: streams.map(surveyed) };
}

async function ask({ group, caFile, seed }: HubSurveyOptions, name: NodeName, server: string): Promise<Answer> {
  const connected = await connectHub({ servers: [server], caFile, seed, ...OPERATOR });
  if (!connected.ok) return { silent: `${name}: ${connected.error.detail}` };
  const { connection } = connected.value;
  try {
    const manager = await jetstreamManager(connection, { checkAPI: false });
    const found: StreamInfo[] = [];
    for (const stream of [factsStream(group), captureStream(group), eventsStream(group)]) {
      const info = await find(manager, stream);
      if (info !== undefined) found.push(info);
    }
    return { streams: found };
  } catch (cause) {
    return { silent: `${name} (${server}) does not tell of its streams: ${describe(cause)}` };
  } finally {
    await connection.close();
  }
}

function surveyed({ config, cluster }: StreamInfo): HubSurvey['streams'][number] {
  const followers = (cluster?.replicas ?? []).map(({ name }) => name);
  return {
    name: config.name,
    replicas: config.num_replicas,
    keepers: cluster?.leader === undefined ? followers : [cluster.leader, ...followers],
    leader: cluster?.leader,
    isClustered: cluster !== undefined,
  };
}
