/** One op as the command that a person would type: what `plan` prints, and what a log line carries. One line, and never a secret. */
import { unreachable } from '@routerd/resources';
import type { HostOp } from './host-op.ts';
import { textOfRoute } from './host-slot.ts';
import {
  ROUTE_PROTOCOL,
  type HostRoute,
  type LinkSetting,
  type TunnelState,
  type WireGuardDevice,
} from './host-state.ts';

export function describeOp(op: HostOp): string {
  switch (op.verb) {
    case 'wireguard-create':
      return `ip link add ${op.device.name} type wireguard; ${describeDevice(op.device, undefined)}`;
    case 'wireguard-configure':
      return describeDevice(op.device, op.endpointsOf);
    case 'wireguard-remove':
      return `ip link del ${op.name}`;
    case 'tunnel-create':
      return `ip link add ${describeTunnel(op.tunnel)}`;
    case 'tunnel-change':
      return `ip link change ${describeTunnel(op.tunnel)}`;
    case 'tunnel-remove':
      return `ip link del ${op.name}`;
    case 'link-set':
      return `ip link set ${describeSetting(op.setting)} # was ${op.prior}`;
    case 'link-restore':
      return `ip link set ${describeSetting(op.setting)} # as it was found`;
    case 'address-add':
      return `ip addr add ${op.address} dev ${op.interface}`;
    case 'address-remove':
      return `ip addr del ${op.address} dev ${op.interface} # ${op.because}`;
    case 'route-add':
      return `ip route add ${routeArguments(op.route)}`;
    case 'route-replace':
      return `ip route replace ${routeArguments(op.route)}`;
    case 'route-remove':
      return `ip route del ${routeArguments(op.route)}`;
    case 'sysctl-set':
      return `sysctl -w ${op.path.join('/')}=${op.value} # was ${op.prior}`;
    case 'sysctl-restore':
      return `sysctl -w ${op.path.join('/')}=${op.value} # as it was found`;
    case 'sysctl-file-write':
      return `write ${sysctlFileName(op.file.name)}: ${op.file.content.trim().split('\n').join('; ')}`;
    case 'sysctl-file-remove':
      return `rm ${sysctlFileName(op.name)}`;
    case 'table-replace':
      return `nft replace table ${op.table.family} ${op.table.name} # ${op.table.lines.length} lines`;
    case 'table-remove':
      return `nft delete table ${op.family} ${op.name}`;
    case 'mss-replace':
      return op.clamps
        .map((clamp) => `clamp ${clamp.captureInterface} <-> ${clamp.tunnelInterface} to ${clamp.mss} bytes`)
        .join('; ');
    case 'mss-remove':
      return 'nft delete table inet routerd_mss';
    case 'proxy-neighbor-add':
      return `ip neigh replace proxy ${quadOf(op.neighbor.address)} dev ${op.neighbor.interface} protocol ${ROUTE_PROTOCOL}`;
    case 'proxy-neighbor-remove':
      return `ip neigh del proxy ${quadOf(op.neighbor.address)} dev ${op.neighbor.interface}`;
    case 'announce':
      return `arping -A -I ${op.interface} -s ${quadOf(op.address)} ${quadOf(op.address)}`;
    default:
      return unreachable(op);
  }
}

/** Destination, next hop, mark and metric, in the words of `ip route`; `add`, `replace` and `del` take the same. */
export function routeArguments(route: HostRoute): string {
  const { destination, metric, blackhole } = route;
  const place = `${destination} proto ${ROUTE_PROTOCOL}${metric === 0 ? '' : ` metric ${metric}`}`;
  return blackhole ? `blackhole ${place}` : `${place} ${textOfRoute(route)}`;
}

/** Files by name, whose content nobody sees. @param endpointsOf peers whose endpoint is set; all when undefined */
function describeDevice(device: WireGuardDevice, endpointsOf: readonly string[] | undefined): string {
  const { name, privateKeyFile, listenPort, mtu, peers } = device;
  const parts = peers.map(({ publicKey, presharedKeyFile, allowedIPs, endpoint, persistentKeepalive }) =>
    [
      `peer ${publicKey}`,
      ...(presharedKeyFile === undefined ? [] : [`preshared-key ${presharedKeyFile}`]),
      ...(endpoint === undefined || endpointsOf?.includes(publicKey) === false ? [] : [`endpoint ${endpoint}`]),
      `persistent-keepalive ${persistentKeepalive} allowed-ips ${allowedIPs.join(',')}`,
    ].join(' '),
  );
  const settings = [`private-key ${privateKeyFile}`, `listen-port ${listenPort}`, ...parts].join(' ');
  return `wg set ${name} ${settings}; ip link set ${name} mtu ${mtu} up`;
}

function describeTunnel({ name, mode, local, remote, ttl, key, mtu }: TunnelState): string {
  const ends = `local ${local} remote ${remote} ttl ${ttl}${key === undefined ? '' : ` key ${key}`}`;
  return `${name} type ${mode} ${ends}; ip link set ${name} mtu ${mtu} up`;
}

function describeSetting({ name, property, value }: LinkSetting): string {
  return property === 'mtu' ? `${name} mtu ${value}` : `${name} ${value}`;
}

/** In the host's `/etc/sysctl.d` unless told otherwise. */
export function sysctlFileName(name: string): string {
  return `90-routerd-${name}.conf`;
}

function quadOf(address: string): string {
  return address.split('/')[0] ?? '';
}
