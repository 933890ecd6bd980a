/** The order of provider actions at one NIC: what attracts packets comes after what forwards them. */
import type { ActionVerb } from './model.ts';

export const ACTION_ORDER = [
  'ensure-forwarding-enabled',
  'assign-secondary-ip',
  'unassign-secondary-ip',
  'ensure-forwarding-disabled',
] as const satisfies readonly ActionVerb[];
