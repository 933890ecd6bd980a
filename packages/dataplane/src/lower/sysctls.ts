/** Kernel settings, one entry however many want it: what leaves the set is restored. */
import { ofKind, type Resource, type ResourceOf } from '@routerd/resources';
import { isAcceptedValue } from '../host-slot.ts';
import { SYSCTL_FILE_MARK, type SysctlFileState, type SysctlState } from '../host-state.ts';
import { IP_FORWARD, IP_NONLOCAL_BIND, proxyDelayOf, SEND_REDIRECTS_ALL, sendRedirectsOf } from '../sysctl-names.ts';
import { byText } from '../text-order.ts';
import type { ClaimLowering, LoweringProblem } from './claim-lowering.ts';
import type { HybridRouteLowering } from './hybrid-routes.ts';

export interface LoweredSysctls {
  /** Sorted by path. */
  readonly settings: readonly SysctlState[];
  readonly files: readonly SysctlFileState[];
  readonly problems: readonly LoweringProblem[];
}

/** What forwarding needs wins over a Sysctl that an operator wrote; that is said. */
export function lowerSysctls(
  resources: readonly Resource[],
  claims: readonly ClaimLowering[],
  hybridRoutes: readonly HybridRouteLowering[],
): LoweredSysctls {
  const delivering = claims.filter(({ route }) => route !== undefined);
  const forwards = delivering.length > 0 || hybridRoutes.some(({ destinations }) => destinations.length > 0);
  const derived: readonly SysctlState[] = [
    // On a standby too: a packet that a remote site still delivers here must reach its owner.
    ...(forwards ? [{ path: IP_FORWARD, value: '1' }] : []),
    ...(delivering.length > 0 ? captureSysctls(delivering) : []),
  ];
  const settings = new Map(derived.map((setting) => [setting.path.join('/'), setting]));
  const needed = new Set(settings.keys());
  const problems: LoweringProblem[] = [];
  const sysctls = ofKind(resources, 'Sysctl').toSorted(byText(({ metadata }) => metadata.name));
  for (const sysctl of sysctls.filter(({ spec }) => spec.runtime)) {
    const setting = settingOf(sysctl);
    const key = setting.path.join('/');
    const other = settings.get(key);
    if (other === undefined) settings.set(key, setting);
    else if (!isAcceptedValue(setting, other.value))
      problems.push({
        resource: `Sysctl/${sysctl.metadata.name}`,
        reason: needed.has(key)
          ? `forwarding needs ${key} to be ${other.value}; it is kept so`
          : `another Sysctl sets ${key} to ${other.value}`,
      });
  }
  return {
    settings: [...settings].toSorted(byText(([key]) => key)).map(([, setting]) => setting),
    files: sysctls.filter(({ spec }) => spec.persistent).map(fileOf),
    problems,
  };
}

/** `net.ipv4.conf.lan0.rp_filter` or, with an interface whose name has a dot, `net/ipv4/conf/eth0.7/rp_filter`: the first separator counts. */
export function sysctlPath(key: string): readonly string[] {
  return key.split(/[./]/.exec(key)?.[0] ?? '.');
}

function settingOf({ spec }: ResourceOf<'Sysctl'>): SysctlState {
  const { value, expectedValue = value, compare } = spec;
  return { path: sysctlPath(spec.key), value, accepts: { compare, value: expectedValue } };
}

function fileOf({ metadata, spec }: ResourceOf<'Sysctl'>): SysctlFileState {
  const { name } = metadata;
  return {
    name,
    content: `${SYSCTL_FILE_MARK}\n# Sysctl/${name}; goes with it.\n${sysctlPath(spec.key).join('/')} = ${spec.value}\n`,
  };
}

/** `proxy_arp` is not among them: a proxy neighbour answers without it, and with it the kernel answers for every address that is routed elsewhere. */
function captureSysctls(delivering: readonly ClaimLowering[]): readonly SysctlState[] {
  const interfaces = new Set<string>();
  const arpInterfaces = new Set<string>();
  let announces = false;
  for (const { captureInterface, captureType, announces: claimAnnounces } of delivering) {
    announces ||= claimAnnounces;
    if (captureInterface === undefined) continue;
    interfaces.add(captureInterface);
    if (captureType === 'proxy-arp') arpInterfaces.add(captureInterface);
  }
  return [
    // The kernel sends redirects if `all` or the device says so; a client that follows one goes round the capture.
    { path: SEND_REDIRECTS_ALL, value: '0' },
    ...[...interfaces].map((name) => ({ path: sendRedirectsOf(name), value: '0' })),
    // Answers after a random delay of up to 0.8 s unless told otherwise.
    ...[...arpInterfaces].map((name) => ({ path: proxyDelayOf(name), value: '0' })),
    // Gratuitous ARP is sent from the captured address, which is not ours. On a standby too: its turn must cost one command.
    ...(announces ? [{ path: IP_NONLOCAL_BIND, value: '1' }] : []),
  ];
}
