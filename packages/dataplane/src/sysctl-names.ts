/** The kernel settings that `lower` may name, and an adapter therefore reads: paths below `/proc/sys`. */
const ipv4 = (...path: readonly string[]): readonly string[] => ['net', 'ipv4', ...path];

export const IP_FORWARD = ipv4('ip_forward');
export const IP_NONLOCAL_BIND = ipv4('ip_nonlocal_bind');
export const SEND_REDIRECTS_ALL = ipv4('conf', 'all', 'send_redirects');

export function sendRedirectsOf(interfaceName: string): readonly string[] {
  return ipv4('conf', interfaceName, 'send_redirects');
}

export function proxyDelayOf(interfaceName: string): readonly string[] {
  return ipv4('neigh', interfaceName, 'proxy_delay');
}

/** Everything to read on a host with these interfaces; a file that does not exist is left out of the reading. */
export function sysctlPathsOf(interfaceNames: readonly string[]): readonly (readonly string[])[] {
  return [
    IP_FORWARD,
    IP_NONLOCAL_BIND,
    SEND_REDIRECTS_ALL,
    ...interfaceNames.flatMap((name) => [sendRedirectsOf(name), proxyDelayOf(name)]),
  ];
}
