/** Op → what the Linux host does for it. Pure: what applies an op and what prints it beforehand take their words from the same functions. */
import { createHash } from 'node:crypto';
import { unreachable } from '@routerd/resources';
import { sysctlFileName } from '../../describe-op.ts';
import type { HostExecution } from '../../host-execution.ts';
import type { HostOp, ObservedHost } from '../../host-op.ts';
import type { WireGuardDevice } from '../../host-state.ts';
import { announcementOf } from './announcer.ts';
import { lineOf } from './apply-ip.ts';
import { linkCommand } from './link-settings.ts';
import { MSS_TABLE_REMOVAL, renderMssTable } from './mss-table.ts';
import { removalOfTable, renderTable, renderTableMark, LISTING_TO_COME } from './nft-tables.ts';
import { SYSCTL_DIRECTORY, SYSCTL_FILE_MODE } from './sysctl-config-files.ts';
import { fileOfSysctl } from './sysctl-files.ts';
import { tunnelCommand, tunnelUpCommand } from './tunnels.ts';
import { settingsOf } from './wireguard.ts';

const NFT = ['nft', '-f', '-'] as const;

/**
 * In their order. What only reads is left out: it changes nothing, and what it finds decides about the entries with `onlyIf`.
 * @param before the host as it was read; tells which peers a WireGuard device has
 */
export function executionsOf(op: HostOp, before: Pick<ObservedHost, 'wireGuard'>): readonly HostExecution[] {
  switch (op.verb) {
    case 'wireguard-create':
      return [...makingOf(op.device.name), ...configurationOf(op.device, new Set(), [])];
    case 'wireguard-configure': {
      const peers = before.wireGuard.find(({ name }) => name === op.device.name)?.peers ?? [];
      return configurationOf(op.device, new Set(peers.map(({ publicKey }) => publicKey)), op.endpointsOf);
    }
    case 'wireguard-remove':
      return [run(['ip', 'link', 'del', 'dev', op.name])];
    case 'tunnel-create':
      return [run(tunnelCommand('add', op.tunnel)), run(tunnelUpCommand(op.tunnel))];
    case 'tunnel-change':
      return [run(tunnelCommand('change', op.tunnel)), run(tunnelUpCommand(op.tunnel))];
    case 'tunnel-remove':
      return [run(['ip', 'link', 'del', 'dev', op.name])];
    case 'link-set':
    case 'link-restore':
      return [run(linkCommand(op.setting))];
    case 'address-remove': {
      const setting = `/proc/sys/net/ipv4/conf/${op.interface}/promote_secondaries`;
      const onlyIf = `${setting} is 0, for as long as addresses go`;
      return [
        { kind: 'write', file: setting, content: '1\n', onlyIf },
        { kind: 'ip-batch', line: lineOf(op) },
        { kind: 'write', file: setting, content: '0\n', onlyIf },
      ];
    }
    case 'address-add':
    case 'route-add':
    case 'route-replace':
    case 'route-remove':
    case 'proxy-neighbor-add':
    case 'proxy-neighbor-remove':
      return [{ kind: 'ip-batch', line: lineOf(op) }];
    case 'sysctl-set':
    case 'sysctl-restore':
      return [{ kind: 'write', file: fileOfSysctl(op.path), content: `${op.value}\n` }];
    case 'sysctl-file-write': {
      const { name, content } = op.file;
      const file = `${SYSCTL_DIRECTORY}/${sysctlFileName(name)}`;
      return [{ kind: 'write', file, content, mode: modeText(SYSCTL_FILE_MODE), digest: sha256(content) }];
    }
    case 'sysctl-file-remove':
      return [{ kind: 'delete-file', file: `${SYSCTL_DIRECTORY}/${sysctlFileName(op.name)}` }];
    case 'table-replace':
      return [
        run(NFT, renderTable(op.table)),
        // The digest is of what `nft` lists then, which nobody knows beforehand.
        run(NFT, renderTableMark(op.table, LISTING_TO_COME)),
      ];
    case 'table-remove':
      return [run(NFT, removalOfTable(op))];
    case 'mss-replace':
      return [run(NFT, renderMssTable(op.clamps))];
    case 'mss-remove':
      return [run(NFT, MSS_TABLE_REMOVAL)];
    case 'announce':
      return [run(announcementOf(op.interface, op.address))];
    default:
      return unreachable(op);
  }
}

function makingOf(name: string): readonly HostExecution[] {
  return [
    run(['ip', 'link', 'add', 'dev', name, 'type', 'wireguard']),
    { kind: 'run', argv: ['wireguard-go', name], onlyIf: 'the kernel has no WireGuard' },
  ];
}

function configurationOf(
  device: WireGuardDevice,
  known: ReadonlySet<string>,
  endpointsOf: readonly string[],
): readonly HostExecution[] {
  const { name, privateKeyFile, mtu } = device;
  return [
    {
      kind: 'make-key',
      file: privateKeyFile,
      mode: '0600',
      argv: ['wg', 'genkey'],
      onlyIf: 'there is no such file',
    },
    run(['wg', 'set', name, ...settingsOf(device, known, endpointsOf)]),
    run(['ip', 'link', 'set', 'dev', name, 'mtu', `${mtu}`, 'up']),
  ];
}

function run(argv: readonly string[], input?: string): HostExecution {
  return { kind: 'run', argv, ...(input === undefined ? {} : { input }) };
}

function modeText(mode: number): string {
  return `0${mode.toString(8)}`;
}

function sha256(content: string): string {
  return `sha256:${createHash('sha256').update(content).digest('hex')}`;
}
