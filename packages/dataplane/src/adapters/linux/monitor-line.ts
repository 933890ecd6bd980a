/** One line of `ip -ts -o monitor label link address route neigh netconf`, iproute2 6.1. */
import { hostAddressOf, parseIpv4, type HostAddress } from '@routerd/resources';
import { slotOfAddress, slotOfRoute, slotOfSysctl, textOfRoute } from '../../host-slot.ts';
import { ROUTE_PROTOCOL, type HostRoute } from '../../host-state.ts';
import type { HostEvent } from '../../ports.ts';
import { IP_FORWARD } from '../../sysctl-names.ts';
import { destinationOf } from './ip-json.ts';

/** @returns undefined for what `observe` does not report: IPv6, other tables, other kinds */
export function parseMonitorLine(line: string): HostEvent | undefined {
  const parts = /^(?:\[[^\]]*\] )?\[(LINK|ADDR|ROUTE|NEIGH|NETCONF)\](Deleted )?(.*)$/.exec(line);
  if (parts === null) return undefined;
  const [, label, deleted, text = ''] = parts;
  const removed = deleted !== undefined;
  const words = text.split(/[\s\\]+/).filter((word) => word !== '');
  if (label === 'LINK') return { kind: 'changed', what: 'link' };
  if (label === 'ADDR') return addressEvent(words, removed);
  if (label === 'NETCONF') return forwardingEvent(words);
  return label === 'ROUTE' ? routeEvent(words, removed) : neighborEvent(words, removed);
}

/** `3: lan0    inet 10.77.60.2/24 scope global lan0` */
function addressEvent(words: readonly string[], removed: boolean): HostEvent | undefined {
  const [, name, family, address] = words;
  if (name === undefined || family !== 'inet' || address === undefined) return undefined;
  return {
    kind: 'changed',
    what: 'address',
    change: { slot: slotOfAddress(name, address), value: removed ? undefined : 'present' },
  };
}

/** `10.77.60.11 dev wg-a proto 84 scope link metric 120`, `blackhole 10.99.0.0/24 proto 84` */
function routeEvent(words: readonly string[], removed: boolean): HostEvent | undefined {
  const [first = '', second = ''] = words;
  if (['local', 'broadcast', 'multicast', 'anycast'].includes(first) || valueAfter(words, 'table') !== undefined)
    return undefined;
  const blackhole = first === 'blackhole';
  const destination = destinationOf(blackhole ? second : first);
  if (destination === undefined) return undefined;
  const route: HostRoute = {
    destination,
    device: valueAfter(words, 'dev'),
    gateway: ipv4After(words, 'via'),
    preferredSource: ipv4After(words, 'src'),
    metric: Number(valueAfter(words, 'metric') ?? 0),
    blackhole,
  };
  const ours = valueAfter(words, 'proto') === `${ROUTE_PROTOCOL}`;
  return {
    kind: 'changed',
    what: 'route',
    change: { slot: slotOfRoute(route), value: removed ? undefined : ours ? textOfRoute(route) : 'foreign' },
  };
}

/** `inet all forwarding on`: that of `all` is `ip_forward`. Of other settings the kernel reports none that `lower` derives. */
function forwardingEvent(words: readonly string[]): HostEvent | undefined {
  const [family, scope, key, value] = words;
  if (family !== 'inet' || scope !== 'all' || key !== 'forwarding') return undefined;
  return {
    kind: 'changed',
    what: 'sysctl',
    change: { slot: slotOfSysctl(IP_FORWARD), value: value === 'on' ? '1' : '0' },
  };
}

/** `10.77.60.100 dev lan0 lladdr 62:42:68:03:be:c3 STALE`, `10.77.60.100 dev lan0 FAILED` */
function neighborEvent(words: readonly string[], removed: boolean): HostEvent | undefined {
  const address = hostAddress(words[0]);
  const name = valueAfter(words, 'dev');
  const state = words.at(-1);
  if (address === undefined || name === undefined || words.includes('proxy')) return undefined;
  const mac = valueAfter(words, 'lladdr');
  // An entry that is dropped, or waits for its first answer, says nothing about the machine.
  if (state === 'FAILED' && !removed)
    return { kind: 'neighbor', interface: name, address, mac: undefined, reachable: false };
  if (removed || mac === undefined || state === 'PERMANENT') return undefined;
  return { kind: 'neighbor', interface: name, address, mac, reachable: true };
}

function valueAfter(words: readonly string[], key: string): string | undefined {
  const at = words.indexOf(key);
  return at < 0 ? undefined : words[at + 1];
}

function ipv4After(words: readonly string[], key: string): HostRoute['gateway'] {
  const parsed = parseIpv4(valueAfter(words, key) ?? '');
  return parsed.ok ? parsed.value : undefined;
}

function hostAddress(text: string | undefined): HostAddress | undefined {
  const parsed = parseIpv4(text ?? '');
  return parsed.ok ? hostAddressOf(parsed.value) : undefined;
}
