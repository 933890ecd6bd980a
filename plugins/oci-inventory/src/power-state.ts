/** Whether a machine is at this site, by what OCI's compute service says of it. Pure. */
import type { Machine, VnicAttachment } from '@routerd/plugin-oci';
import { presenceOf, type PowerPolicy, type PowerWords, type Presence } from '@routerd/plugin-sdk';

/**
 * What is on its way up or down is where it was: `STOPPING` still answers, `MOVING` and `CREATING_IMAGE` come back.
 * docs.oracle.com, Core Services API, Instance.lifecycleState
 */
export const OCI_WORDS: PowerWords = {
  here: ['PROVISIONING', 'STARTING', 'RUNNING', 'STOPPING', 'MOVING', 'CREATING_IMAGE'],
  stopped: ['STOPPED'],
  gone: ['TERMINATING', 'TERMINATED'],
};

export interface MachineListing {
  readonly machines: readonly Machine[];
  readonly attachments: readonly VnicAttachment[];
}

/** Of each VNIC. One whose attachments are all over is gone with them; one that has none may belong to a machine of another compartment. */
export function presenceByVnic(
  vnicIds: Iterable<string>,
  { machines, attachments }: MachineListing,
  policy: PowerPolicy,
): ReadonlyMap<string, Presence> {
  const stateOf = new Map(machines.map(({ id, lifecycleState }) => [id, lifecycleState]));
  const attached = new Map<string, string>();
  const detached = new Set<string>();
  for (const { vnicId, instanceId, lifecycleState } of attachments) {
    if (vnicId === undefined) continue;
    if (lifecycleState === 'DETACHED') detached.add(vnicId);
    else attached.set(vnicId, instanceId);
  }
  const presence = (vnicId: string): Presence => {
    const instanceId = attached.get(vnicId);
    if (instanceId === undefined) return detached.has(vnicId) ? 'gone' : 'unknown';
    return presenceOf(stateOf.get(instanceId), OCI_WORDS, policy);
  };
  return new Map([...vnicIds].map((vnicId) => [vnicId, presence(vnicId)]));
}
