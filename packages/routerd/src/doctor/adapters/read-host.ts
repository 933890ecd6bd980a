/** Reads this host for the checks, and changes nothing of it. What a program says wrong makes its own part unreadable. */
import type { ClaimLowering, Host } from '@routerd/dataplane';
import { bareAddress, hostAddressOf, parseIpv4, type HostAddress } from '@routerd/resources';
import type { CommandOptions, CommandResult } from '@routerd/runtime';
import { z } from 'zod';
import type { HostFacts, Reading } from '../doctor-facts.ts';
import { readNftChains } from './read-nft-chains.ts';

export interface HostReader {
  readonly host: Pick<Host, 'observe'>;
  readonly run: (argv: readonly [string, ...string[]], options?: CommandOptions) => Promise<CommandResult>;
}

/** Each probe takes two seconds; of more claims than this the first are asked for. */
const PROBES_MAX = 256;
const PROBES_AT_ONCE = 32;
const PROBE_MS_MAX = 5000;

const rows = z.array(z.object({ type: z.string().optional(), dst: z.string(), dev: z.string().optional() }));
const table = z.object({
  nftables: z.array(
    z.object({ chain: z.object({ hook: z.string().optional(), policy: z.string().optional() }).optional() }),
  ),
});

/** @param probed claims whose answerers are asked for */
export async function readHostFacts(
  reader: HostReader,
  claims: readonly ClaimLowering[],
  probed: ReadonlySet<string>,
): Promise<Reading<HostFacts>> {
  const observed = await reader.host.observe(settingsOf(claims));
  if (!observed.ok) return { kind: 'unreadable', detail: observed.error.detail };
  const links = new Set(observed.value.links.map(({ name }) => name));
  const [routes, ways, forwardPolicy, iptables, nftChains, responders] = await Promise.all([
    readRoutes(reader),
    readWays(reader, claims),
    readForwardPolicy(reader),
    readIptables(reader),
    readNftChains(reader.run),
    probeAll(
      reader,
      claims.filter(
        ({ claim, captureInterface }) =>
          probed.has(claim) && captureInterface !== undefined && links.has(captureInterface),
      ),
    ),
  ]);
  if (routes === undefined) return { kind: 'unreadable', detail: 'routes could not be listed' };
  return {
    kind: 'read',
    value: { observed: observed.value, routes, ways, forwardPolicy, iptables, nftChains, responders },
  };
}

function settingsOf(claims: readonly ClaimLowering[]): readonly (readonly string[])[] {
  const names = new Set(
    claims.flatMap(({ captureInterface, tunnelInterface }) => [captureInterface ?? [], tunnelInterface].flat()),
  );
  return ['all', ...names].flatMap((name) => [
    ['net', 'ipv4', 'conf', name, 'rp_filter'],
    ['net', 'ipv4', 'conf', name, 'proxy_arp'],
  ]);
}

async function readRoutes({ run }: HostReader): Promise<HostFacts['routes'] | undefined> {
  const listed = await run(['ip', '-j', '-4', 'route', 'show', 'table', 'main']);
  if (!listed.ok) return undefined;
  const routes = new Map<HostAddress, readonly string[]>();
  for (const { dst, dev } of rows.parse(JSON.parse(listed.value.stdout))) {
    const address = parseIpv4(dst); // a host's route has no prefix length
    if (!address.ok || dev === undefined) continue;
    const key = hostAddressOf(address.value);
    routes.set(key, [...(routes.get(key) ?? []), dev]);
  }
  return routes;
}

/** One process for all; what has no way is left out of the answers. */
async function readWays({ run }: HostReader, claims: readonly ClaimLowering[]): Promise<HostFacts['ways']> {
  const input = claims.map(({ address }) => `route get ${bareAddress(address)}\n`).join('');
  const asked = await run(['ip', '-j', '-force', '-batch', '-'], { input });
  const text = asked.ok ? asked.value.stdout : asked.error.stdout;
  const answers = text.split('\n').filter((line) => line.startsWith('['));
  return new Map(
    answers
      .flatMap((line) => rows.parse(JSON.parse(line)))
      .flatMap(({ dst, dev, type }) => {
        const address = parseIpv4(dst);
        if (!address.ok || dev === undefined) return [];
        return [[hostAddressOf(address.value), { device: dev, local: type === 'local' }] as const];
      }),
  );
}

async function readForwardPolicy({ run }: HostReader): Promise<HostFacts['forwardPolicy']> {
  const listed = await run(['nft', '-j', 'list', 'table', 'inet', 'routerd_filter']);
  if (listed.ok) {
    const { nftables } = table.parse(JSON.parse(listed.value.stdout));
    return { kind: 'read', value: nftables.find(({ chain }) => chain?.hook === 'forward')?.chain?.policy };
  }
  const { code, stderr } = listed.error;
  if (stderr.includes('No such file or directory')) return { kind: 'read', value: undefined };
  return { kind: 'unreadable', detail: code === 'command.not-found' ? 'nft is not installed' : stderr.trim() };
}

async function readIptables({ run }: HostReader): Promise<HostFacts['iptables']> {
  const lines: string[] = [];
  for (const chain of ['INPUT', 'FORWARD']) {
    const listed = await run(['iptables', '-S', chain]);
    if (!listed.ok) {
      const { code, stderr } = listed.error;
      return { kind: 'unreadable', detail: code === 'command.not-found' ? 'it is not installed' : stderr.trim() };
    }
    lines.push(...listed.value.stdout.split('\n').filter((line) => line !== ''));
  }
  return { kind: 'read', value: lines };
}

async function probeAll(
  reader: HostReader,
  claims: readonly ClaimLowering[],
): Promise<ReadonlyMap<HostAddress, Reading<readonly string[]>>> {
  const found = new Map<HostAddress, Reading<readonly string[]>>();
  const asked = claims.slice(0, PROBES_MAX);
  for (let first = 0; first < asked.length; first += PROBES_AT_ONCE)
    await Promise.all(
      asked.slice(first, first + PROBES_AT_ONCE).map(async ({ address, captureInterface = '' }) => {
        found.set(address, await probe(reader, captureInterface, address));
      }),
    );
  return found;
}

/** Everybody who answers, this host excepted: it does not hear its own request. */
async function probe({ run }: HostReader, link: string, address: HostAddress): Promise<Reading<readonly string[]>> {
  const asked = await run(['arping', '-b', '-c', '2', '-w', '2', '-I', link, bareAddress(address)], {
    timeoutMs: PROBE_MS_MAX,
  });
  const text = asked.ok ? asked.value.stdout : asked.error.stdout;
  const macs = [...text.matchAll(/reply from \S+ \[([0-9A-F:]+)\]/gi)].map(([, mac = '']) => mac.toLowerCase());
  if (asked.ok || text.includes('Received')) return { kind: 'read', value: [...new Set(macs)].toSorted() };
  const { code, stderr } = asked.error;
  return { kind: 'unreadable', detail: code === 'command.not-found' ? 'arping is not installed' : stderr.trim() };
}
