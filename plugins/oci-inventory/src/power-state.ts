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

/**
 * OCI's word for the state of the machine that each VNIC is attached to. One whose attachments are all over is gone with them; nothing is said of
 * one that has none: it may belong to a machine of another compartment.
 */
export function stateByVnic(
  vnicIds: Iterable<string>,
  { machines, attachments }: MachineListing,
): ReadonlyMap<string, string> {
  const stateOf = new Map(machines.map(({ id, lifecycleState }) => [id, lifecycleState]));
  const attached = new Map<string, string>();
  const detached = new Set<string>();
  for (const { vnicId, instanceId, lifecycleState } of attachments) {
    if (vnicId === undefined) continue;
    if (lifecycleState === 'DETACHED') detached.add(vnicId);
    else attached.set(vnicId, instanceId);
  }
  const state = (vnicId: string): string | undefined => {
    const instanceId = attached.get(vnicId);
    if (instanceId !== undefined) return stateOf.get(instanceId);
    return detached.has(vnicId) ? 'TERMINATED' : undefined;
  };
  return new Map(
    [...vnicIds].flatMap((vnicId) => {
      const word = state(vnicId);
      return word === undefined ? [] : [[vnicId, word] as const];
    }),
  );
}

export function presenceByVnic(
  vnicIds: Iterable<string>,
  listing: MachineListing,
  policy: PowerPolicy,
): ReadonlyMap<string, Presence> {
  const ids = [...vnicIds];
  const states = stateByVnic(ids, listing);
  return new Map(ids.map((vnicId) => [vnicId, presenceOf(states.get(vnicId), OCI_WORDS, policy)]));
}
