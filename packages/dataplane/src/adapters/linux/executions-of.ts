/** Op → what the Linux host does for it. Pure: what applies an op and what prints it beforehand take their words from the same functions. */
import { createHash } from 'node:crypto';
import { unreachable } from '@routerd/resources';
import { sysctlFileName } from '../../describe-op.ts';
import type { HostExecution } from '../../host-execution.ts';
import type { HostOp, ObservedHost } from '../../host-op.ts';
import type { WireGuardDevice } from '../../host-state.ts';
import { announcementOf } from './announcer.ts';
import { lineOf } from './apply-ip.ts';
import { linkCommand, linkRemovalCommand, linkUpCommand } from './link-settings.ts';
import { MSS_TABLE_REMOVAL, renderMssTable } from './mss-table.ts';
import { LISTING_TO_COME, NFT_TRANSACTION, removalOfTable, renderTable, renderTableMark } from './nft-tables.ts';
import { KEY_COMMAND, KEY_FILE_MODE } from './private-key-file.ts';
import { SYSCTL_DIRECTORY, SYSCTL_FILE_MODE } from './sysctl-config-files.ts';
import { fileOfSysctl } from './sysctl-files.ts';
import { tunnelCommand } from './tunnels.ts';
import { kernelDeviceCommand, settingCommand, userspaceDeviceCommand } from './wireguard.ts';

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
    case 'tunnel-create':
      return [run(tunnelCommand('add', op.tunnel)), run(linkUpCommand(op.tunnel))];
    case 'tunnel-change':
      return [run(tunnelCommand('change', op.tunnel)), run(linkUpCommand(op.tunnel))];
    case 'wireguard-remove':
    case 'tunnel-remove':
      return [run(linkRemovalCommand(op.name))];
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
        run(NFT_TRANSACTION, renderTable(op.table)),
        // The digest is of what `nft` lists then, which nobody knows beforehand.
        run(NFT_TRANSACTION, renderTableMark(op.table, LISTING_TO_COME)),
      ];
    case 'table-remove':
      return [run(NFT_TRANSACTION, removalOfTable(op))];
    case 'mss-replace':
      return [run(NFT_TRANSACTION, renderMssTable(op.clamps))];
    case 'mss-remove':
      return [run(NFT_TRANSACTION, MSS_TABLE_REMOVAL)];
    case 'announce':
      return [run(announcementOf(op.interface, op.address))];
    default:
      return unreachable(op);
  }
}

function makingOf(name: string): readonly HostExecution[] {
  return [
    run(kernelDeviceCommand(name)),
    { kind: 'run', argv: userspaceDeviceCommand(name), onlyIf: 'the kernel has no WireGuard' },
  ];
}

function configurationOf(
  device: WireGuardDevice,
  known: ReadonlySet<string>,
  endpointsOf: readonly string[],
): readonly HostExecution[] {
  const { privateKeyFile } = device;
  return [
    {
      kind: 'make-key',
      file: privateKeyFile,
      mode: modeText(KEY_FILE_MODE),
      argv: KEY_COMMAND,
      onlyIf: 'there is no such file',
    },
    { kind: 'run', argv: settingCommand(device, known, endpointsOf), inputFile: privateKeyFile },
    run(linkUpCommand(device)),
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
