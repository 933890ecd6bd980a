/** What is known of a Sysctl on this host. */
import type { ResourceOf } from '@routerd/resources';
import { isAcceptedValue, slotOfSysctl } from '../host-slot.ts';
import { sysctlPath } from '../lower/sysctls.ts';
import type { HostReconcilerStatus } from '../reconciler/host-reconciler.ts';

export interface SysctlStatus {
  /** `Skipped`: the kernel lacks it, and it is optional. */
  readonly phase: 'Pending' | 'Applied' | 'Skipped' | 'Error';
  readonly reason: 'SettingMissing' | 'ValueDiffers' | undefined;
  readonly value: string | undefined;
  /** routerd changed it. */
  readonly changed: boolean;
  /** What it was before, to be restored; undefined while it was not changed. */
  readonly previousValue: string | undefined;
}

export function sysctlStatus(
  { spec }: ResourceOf<'Sysctl'>,
  { observed, owned }: Pick<HostReconcilerStatus, 'observed' | 'owned'>,
): SysctlStatus {
  const path = sysctlPath(spec.key);
  const slot = slotOfSysctl(path);
  const previousValue = owned.find(({ key }) => key === slot)?.priorValue;
  const value = observed?.sysctls.get(path.join('/'));
  const known = { value, changed: previousValue !== undefined, previousValue };
  if (observed === undefined || !spec.runtime)
    return { phase: observed === undefined ? 'Pending' : 'Applied', reason: undefined, ...known };
  if (value === undefined)
    return spec.optional
      ? { phase: 'Skipped', reason: undefined, ...known }
      : { phase: 'Error', reason: 'SettingMissing', ...known };
  const accepts = { compare: spec.compare, value: spec.expectedValue ?? spec.value };
  return isAcceptedValue({ path, value: spec.value, accepts }, value)
    ? { phase: 'Applied', reason: undefined, ...known }
    : { phase: 'Error', reason: 'ValueDiffers', ...known };
}
