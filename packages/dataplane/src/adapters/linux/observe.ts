/** One reading of the host: one `ip -batch` for links, addresses, routes and proxy neighbours, one `wg`, `nft`, and files. */
import { err, ok, type Result } from '@routerd/resources';
import type { ObservedHost, ObservedTable } from '../../host-op.ts';
import { ROUTE_PROTOCOL } from '../../host-state.ts';
import { sysctlPathsOf } from '../../sysctl-names.ts';
import type { HostFault } from '../../ports.ts';
import { faultOfCommand, type RunHostCommand } from './host-command.ts';
import { parseAddresses, parseProxyNeighbors, parseRoutes, parseTunnels } from './ip-json.ts';
import { isFault, readMssTable, type MssTable } from './mss-table.ts';
import { listTables, readTables } from './nft-tables.ts';
import type { SysctlConfigFiles } from './sysctl-config-files.ts';
import type { SysctlFiles } from './sysctl-files.ts';
import { parseWireGuardDump } from './wireguard-dump.ts';

export interface Reading {
  readonly observed: ObservedHost;
  readonly mssTable: MssTable;
}

/** What a reading is made with. */
export interface ReadingTools {
  readonly run: RunHostCommand;
  readonly sysctls: SysctlFiles;
  readonly sysctlConfigFiles: SysctlConfigFiles;
}

/**
 * A part that cannot be read makes the whole reading a fault: half a picture would look like things that have gone.
 * @param furtherSysctls settings that are read besides those that `lower` derives
 */
export async function readHost(
  tools: ReadingTools,
  furtherSysctls: readonly (readonly string[])[],
): Promise<Result<Reading, HostFault>> {
  try {
    return await readParts(tools, furtherSysctls);
  } catch (cause) {
    const said = cause instanceof Error ? cause.message : 'unknown';
    return err({ code: 'host.failed', detail: `a listing could not be understood: ${said}`, retry: 'later' });
  }
}

async function readParts(
  { run, sysctls, sysctlConfigFiles }: ReadingTools,
  furtherSysctls: readonly (readonly string[])[],
): Promise<Result<Reading, HostFault>> {
  const [ip, wireGuard, nftables] = await Promise.all([
    readIp(run),
    run(['wg', 'show', 'all', 'dump']),
    readNftables(run),
  ]);
  if (!ip.ok) return ip;
  if (!nftables.ok) return nftables;
  if (!wireGuard.ok && wireGuard.error.code === 'command.timed-out') return err(faultOfCommand(wireGuard.error));
  const sysctlFiles = await sysctlConfigFiles.read();
  if (!sysctlFiles.ok) return sysctlFiles;
  const { mssTable, tables } = nftables.value;
  const names = ip.value.links.map(({ name }) => name);
  return ok({
    mssTable,
    observed: {
      ...ip.value,
      // `wg` ends with an error when one device's socket is dead, and prints the others all the same; without `wg` there are none.
      wireGuard: parseWireGuardDump(wireGuard.ok ? wireGuard.value.stdout : wireGuard.error.stdout, new Set(names)),
      sysctls: await sysctls.read([...sysctlPathsOf(names), ...furtherSysctls]),
      sysctlFiles: sysctlFiles.value,
      mssClamps: mssTable.kind === 'ours' ? mssTable.clamps : undefined,
      tables,
    },
  });
}

/** Their names first: most hosts have none of ours, and what others have there may be long. */
async function readNftables(
  run: RunHostCommand,
): Promise<Result<{ readonly mssTable: MssTable; readonly tables: readonly ObservedTable[] }, HostFault>> {
  const present = await listTables(run);
  if ('code' in present) return err(present);
  const [mssTable, tables] = await Promise.all([
    present.has('inet routerd_mss') ? readMssTable(run) : ({ kind: 'absent' } as const),
    readTables(run, present),
  ]);
  if (isFault(mssTable)) return err(mssTable);
  if ('code' in tables) return err(tables);
  return ok({ mssTable, tables });
}

type IpReading = Pick<ObservedHost, 'links' | 'addresses' | 'routes' | 'proxyNeighbors' | 'tunnels'>;

async function readIp(run: RunHostCommand): Promise<Result<IpReading, HostFault>> {
  const result = await run(['ip', '-j', '-batch', '-'], {
    input: `addr show\nroute show table main proto ${ROUTE_PROTOCOL}\nneigh show proxy\n`,
    timeoutMs: 30_000,
    outputBytesMax: 256 * 1024 * 1024,
  });
  if (!result.ok) return err(faultOfCommand(result.error));
  const [addresses, routes, neighbors] = result.value.stdout.split('\n').filter((line) => line !== '');
  if (addresses === undefined || routes === undefined || neighbors === undefined)
    return err({ code: 'host.failed', detail: 'ip -j -batch printed fewer than three listings', retry: 'later' });
  const { hasTunnels, ...shown } = parseAddresses(JSON.parse(addresses));
  const tunnels = hasTunnels ? await readTunnels(run) : ok([]);
  if (!tunnels.ok) return tunnels;
  return ok({
    ...shown,
    tunnels: tunnels.value,
    routes: parseRoutes(JSON.parse(routes)),
    proxyNeighbors: parseProxyNeighbors(JSON.parse(neighbors)),
  });
}

/** One more process, on hosts that have any. */
async function readTunnels(run: RunHostCommand): Promise<Result<ObservedHost['tunnels'], HostFault>> {
  const result = await run(['ip', '-j', '-d', 'link', 'show']);
  return result.ok ? ok(parseTunnels(JSON.parse(result.value.stdout))) : err(faultOfCommand(result.error));
}
