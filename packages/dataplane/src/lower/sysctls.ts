/** Kernel settings, one entry however many want it: what leaves the set is restored. */
import type { SysctlState } from '../host-state.ts';
import { IP_FORWARD, IP_NONLOCAL_BIND, proxyDelayOf, SEND_REDIRECTS_ALL, sendRedirectsOf } from '../sysctl-names.ts';
import { byText } from '../text-order.ts';
import type { ClaimLowering } from './claim-lowering.ts';
import type { HybridRouteLowering } from './hybrid-routes.ts';

export function lowerSysctls(
  claims: readonly ClaimLowering[],
  hybridRoutes: readonly HybridRouteLowering[],
): readonly SysctlState[] {
  const delivering = claims.filter(({ route }) => route !== undefined);
  const forwards = delivering.length > 0 || hybridRoutes.some(({ destinations }) => destinations.length > 0);
  return [
    // On a standby too: a packet that a remote site still delivers here must reach its owner.
    ...(forwards ? [{ path: IP_FORWARD, value: '1' }] : []),
    ...(delivering.length > 0 ? captureSysctls(delivering) : []),
  ].toSorted(byText(({ path }) => path.join('/')));
}

/** `proxy_arp` is not among them: a proxy neighbour answers without it, and with it the kernel answers for every address that is routed elsewhere. */
function captureSysctls(delivering: readonly ClaimLowering[]): readonly SysctlState[] {
  const interfaces = [...new Set(delivering.flatMap(({ captureInterface }) => captureInterface ?? []))];
  const arpInterfaces = new Set(
    delivering.flatMap(({ captureType, captureInterface }) =>
      captureType === 'proxy-arp' ? (captureInterface ?? []) : [],
    ),
  );
  return [
    // The kernel sends redirects if `all` or the device says so; a client that follows one goes round the capture.
    { path: SEND_REDIRECTS_ALL, value: '0' },
    ...interfaces.map((name) => ({ path: sendRedirectsOf(name), value: '0' })),
    // Answers after a random delay of up to 0.8 s unless told otherwise.
    ...[...arpInterfaces].map((name) => ({ path: proxyDelayOf(name), value: '0' })),
    // Gratuitous ARP is sent from the captured address, which is not ours. On a standby too: its turn must cost one command.
    ...(delivering.some(({ announces }) => announces) ? [{ path: IP_NONLOCAL_BIND, value: '1' }] : []),
  ];
}
