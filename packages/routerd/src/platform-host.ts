/** The host that this process runs on. */
import { createLinuxHost, createUnsupportedHost, type Host } from '@routerd/dataplane';
import type { Clock, Log } from '@routerd/runtime';

/** @param platform as `process.platform` says; whatever is not Linux is looked at and never changed */
export function platformHost(platform: string, ports: { readonly clock: Clock; readonly log: Log }): Host {
  return platform === 'linux' ? createLinuxHost(ports) : createUnsupportedHost();
}
