/** Whether a machine is at this site, by what OCI's compute service says of it. Pure. */
import type { Machine, VnicAttachment } from '@routerd/plugin-oci';

/**
 * What becomes of the address of a machine that is switched off. `hold`: it stays this site's, as OCI keeps the private IP for it.
 * `release`: it is told expired, and whoever shows it next has it; OCI still gives it to nobody else.
 */
export const POWER_POLICIES = ['hold', 'release'] as const;
export type PowerPolicy = (typeof POWER_POLICIES)[number];

export type Presence = 'here' | 'gone' | 'unknown';

/**
 * What is on its way up or down is where it was: `STOPPING` still answers, `MOVING` and `CREATING_IMAGE` come back.
 * docs.oracle.com, Core Services API, Instance.lifecycleState
 */
const HERE = ['PROVISIONING', 'STARTING', 'RUNNING', 'STOPPING', 'MOVING', 'CREATING_IMAGE'];
const GONE = ['TERMINATING', 'TERMINATED'];

/** @param lifecycleState undefined where the machine is not listed; like a state that nobody knows that is no evidence of anything */
export function presenceOf(lifecycleState: string | undefined, policy: PowerPolicy): Presence {
  if (lifecycleState === undefined) return 'unknown';
  if (lifecycleState === 'STOPPED') return policy === 'hold' ? 'here' : 'gone';
  if (GONE.includes(lifecycleState)) return 'gone';
  return HERE.includes(lifecycleState) ? 'here' : 'unknown';
}

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
    return presenceOf(stateOf.get(instanceId), policy);
  };
  return new Map([...vnicIds].map((vnicId) => [vnicId, presence(vnicId)]));
}
