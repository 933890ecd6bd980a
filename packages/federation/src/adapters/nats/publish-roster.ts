/** Brings the operator's list of members to the hubs, which keep the newest for everybody. */
import { jetstream, jetstreamManager } from '@nats-io/jetstream';
import { err, ok, type Result } from '@routerd/resources';
import { readRoster, ROSTER_BYTES_MAX } from '../../enrolment/roster.ts';
import type { HubConfig } from '../../federation-config.ts';
import { verifierOf } from '../../node-identity.ts';
import { rosterStream, rosterSubject, type GroupName } from '../../subjects.ts';
import { connectHub, describe, type HubFault } from './connect-hub.ts';
import { OPERATOR } from './provision-group.ts';

const TIMEOUT_MS = 5000;

export interface PublishRosterOptions extends HubConfig {
  readonly group: GroupName;
  /** NKey seed of the operator's user. Secret. */
  readonly seed: string;
  /** As `signRoster` made it, and the key that it was signed with. */
  readonly text: string;
  readonly rosterKey: string;
}

/**
 * @returns whether it is the newest now; one that hubs know a newer of is old news, and changes nothing. So does another list of the same
 * serial: of two copies of the operator's folder, each of which was changed, the second is told so.
 */
export async function publishRoster(options: PublishRosterOptions): Promise<Result<boolean, HubFault>> {
  const { group, text, rosterKey } = options;
  const verifier = verifierOf(rosterKey);
  const own = verifier.ok ? readRoster(text, verifier.value, group) : verifier;
  if (!own.ok || !verifier.ok) return err({ code: 'hub.failed', detail: own.ok ? '' : own.error.detail });
  if (text.length > ROSTER_BYTES_MAX) {
    return err({
      code: 'hub.failed',
      detail: `${own.value.nodes.size} nodes are more than a list of members can hold`,
    });
  }
  const connected = await connectHub({ ...options, ...OPERATOR });
  if (!connected.ok) return connected;
  const { connection } = connected.value;
  try {
    const manager = await jetstreamManager(connection, { checkAPI: false });
    const subject = rosterSubject(group);
    const last = await manager.streams.getMessage(rosterStream(group), { last_by_subj: subject });
    const present = last === null ? '' : new TextDecoder().decode(last.data);
    const known = readRoster(present, verifier.value, group);
    if (known.ok && known.value.serial >= own.value.serial) return ok(present === text);
    // Nobody else has told them anything since they were asked.
    const expect = { streamName: rosterStream(group), lastSubjectSequence: last?.seq ?? 0 };
    await jetstream(connection).publish(subject, text, { timeout: TIMEOUT_MS, expect });
    return ok(true);
  } catch (cause) {
    return err({ code: 'hub.failed', detail: describe(cause) });
  } finally {
    await connection.close();
  }
}
